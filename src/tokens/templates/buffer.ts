import { rulesOf } from './rules.ts';
import type { Template } from './template.ts';

/**
 * The transcript of Meta's guide to prompting Llama 2, which is LangChain's `get_buffer_string` with the prefixes `USER`
 * and `ASSISTANT`: one line break between messages, and no `ASSISTANT:` at the end. It knows no system message; here its
 * text opens the transcript.
 */
export const buffer: Template = {
  begin: '',
  system: { before: '', after: '\n' },
  user: { before: 'USER: ', after: '\n' },
  assistant: { before: 'ASSISTANT: ', after: '\n' },
  ...rulesOf('buffer'),
  answer: '',
  trimEnd: '\n',
  stop: ['\nUSER:'],
  specials: [],
  markers: ['\nUSER: ', '\nASSISTANT: '],
};

/** No template at all: the texts, a blank line apart. For base models that are given messages. */
export const plain: Template = {
  ...buffer,
  ...rulesOf('plain'),
  system: { before: '', after: '\n\n' },
  user: { before: '', after: '\n\n' },
  assistant: { before: '', after: '\n\n' },
  trimEnd: '\n\n',
  stop: [],
  markers: [],
};
