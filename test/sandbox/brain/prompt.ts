import type { Turn } from './types.ts';

/** A rendered prompt, read back. */
export interface Conversation {
  readonly turns: readonly Turn[];
  /** Text after the last header: an answer that has begun. */
  readonly begun: string;
}

const ROLES: Readonly<Record<string, Turn['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  model: 'assistant',
  ai: 'assistant',
  ipython: 'tool',
  tool: 'tool',
};

/** Templates that put a header with the role before each turn and a mark after it. */
const HEADED: readonly { readonly header: RegExp; readonly end: RegExp; readonly open: string }[] = [
  // Llama 3 and 3.x; Llama 4.
  {
    header: /<\|start_header_id\|>(\w+)<\|end_header_id\|>\s{0,2}/g,
    end: /<\|(eot_id|eom_id)\|>/,
    open: '<|start_header_id|>',
  },
  { header: /<\|header_start\|>(\w+)<\|header_end\|>\s{0,2}/g, end: /<\|(eot|eom)\|>/, open: '<|header_start|>' },
  // Qwen and others: ChatML.
  { header: /<\|im_start\|>(\w+)\n/g, end: /<\|im_end\|>/, open: '<|im_start|>' },
  // gpt-oss: harmony.
  {
    header: /<\|start\|>(\w+)(?:<\|channel\|>\w+)?(?:<\|message\|>|$)/g,
    end: /<\|(end|return|call)\|>/,
    open: '<|start|>',
  },
  // DeepSeek.
  { header: /<[|｜](User|Assistant)[|｜]>/g, end: /<[|｜]end▁of▁sentence[|｜]>/, open: 'User' },
  // Code Llama 70B.
  { header: /Source: (system|user|assistant)(?:\nDestination: \w+)?\n+ ?/g, end: / ?<step> ?/, open: 'Source: ' },
];

function headed(prompt: string): Conversation | undefined {
  for (const { header, end, open } of HEADED) {
    if (!prompt.includes(open)) continue;
    const found = [...prompt.matchAll(header)];
    if (found.length === 0) continue;
    const turns: Turn[] = [];
    let begun = '';
    found.forEach((match, i) => {
      const body = prompt.slice((match.index ?? 0) + match[0].length, found[i + 1]?.index);
      const role = ROLES[(match[1] ?? '').toLowerCase()] ?? 'user';
      const ended = body.search(end);
      if (role === 'assistant' && i === found.length - 1 && ended < 0) begun = body;
      else turns.push({ role, text: (ended < 0 ? body : body.slice(0, ended)).trim() });
    });
    return { turns, begun };
  }
  return undefined;
}

const SYSTEM = /^\s*<<SYS>>\s*([\s\S]*?)\s*<<\/SYS>>\s*/;

/** Llama 2, Code Llama and Mistral: `[INST] … [/INST] answer </s>`. */
function instructed(prompt: string): Conversation | undefined {
  const [, ...rounds] = prompt.split('[INST]');
  if (rounds.length === 0) return undefined;
  const turns: Turn[] = [];
  let begun = '';
  rounds.forEach((round, i) => {
    const [question = '', answer = ''] = round.split('[/INST]');
    const system = SYSTEM.exec(question);
    if (system?.[1]) turns.push({ role: 'system', text: system[1] });
    turns.push({ role: 'user', text: question.slice(system?.[0].length ?? 0).trim() });
    const ended = answer.indexOf('</s>');
    if (i === rounds.length - 1 && ended < 0) begun = answer.replace(/^ /, '');
    else if (answer.trim())
      turns.push({
        role: 'assistant',
        text: answer
          .replace('</s>', '')
          .replace(/<s>\s*$/, '')
          .trim(),
      });
  });
  return { turns, begun };
}

const LINE = /^(SYSTEM|USER|HUMAN|ASSISTANT|AI): ?/gim;

/** `USER: …` and `ASSISTANT: …` lines, which is how Meta's guide flattens a conversation. */
function buffered(prompt: string): Conversation | undefined {
  if (!/^\s*(SYSTEM|USER|HUMAN): /i.test(prompt)) return undefined;
  const found = [...prompt.matchAll(LINE)];
  const turns: Turn[] = found.map((match, i) => ({
    role: ROLES[(match[1] ?? '').toLowerCase()] ?? 'user',
    text: prompt.slice((match.index ?? 0) + match[0].length, found[i + 1]?.index).trim(),
  }));
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return { turns, begun: '' };
  return { turns: turns.slice(0, -1), begun: last.text };
}

/** The conversation a prompt was rendered from. A plain text is one user turn: what a completion goes on from. */
export function readPrompt(prompt: string): Conversation {
  const conversation = headed(prompt) ??
    instructed(prompt) ??
    buffered(prompt) ?? { turns: [{ role: 'user', text: prompt }], begun: '' };
  const { turns, begun } = conversation;
  const users = turns.filter((turn) => turn.role === 'user');
  const nested = users.length === 1 && users[0] ? buffered(users[0].text) : undefined;
  if (!nested) return conversation;
  return { turns: [...turns.filter((turn) => turn.role === 'system'), ...nested.turns], begun: begun || nested.begun };
}
