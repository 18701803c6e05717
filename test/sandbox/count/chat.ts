import { Template } from '@huggingface/jinja';
import type { Family } from './families.ts';
import type { Chat, Message } from './types.ts';

const BLANK_LINE = '\n\n';
const isSystem = ({ role }: Message): boolean => role === 'system' || role === 'developer';

function systemFirst(messages: readonly Message[]): Message[] {
  const system = messages.filter(isSystem).map(({ content }) => content);
  const others = messages.filter((message) => !isSystem(message));
  return system.length > 0 ? [{ role: 'system', content: system.join(BLANK_LINE) }, ...others] : others;
}

/**
 * Neighbours of one role become one message, and an assistant who speaks first answers nothing: an assumption of what Bedrock
 * does. The templates of Llama 2 and Mistral raise on such chats: see `turnTrouble`.
 */
function alternating(messages: readonly Message[]): Message[] {
  const turns: Message[] = [];
  for (const { role, content } of messages) {
    const speaker = role === 'assistant' ? role : 'user';
    const last = turns.at(-1);
    if (last?.role === speaker)
      turns[turns.length - 1] = { role: speaker, content: last.content + BLANK_LINE + content };
    else turns.push({ role: speaker, content });
  }
  return turns[0]?.role === 'user' ? turns : [{ role: 'user', content: '' }, ...turns];
}

const ARRANGE: Readonly<Record<Family['turns'], (messages: readonly Message[]) => readonly Message[]>> = {
  free: (messages) => messages,
  'system-first': systemFirst,
  alternating: (messages) => {
    const arranged = systemFirst(messages);
    const head = arranged.filter(isSystem);
    return [...head, ...alternating(arranged.slice(head.length))];
  },
};

const compiled = new Map<string, Template>();

function compile(source: string): Template {
  const known = compiled.get(source);
  if (known) return known;
  const template = new Template(source);
  compiled.set(source, template);
  return template;
}

/** The end of what was said last, where an answer goes on: transformers' `continue_final_message`. */
function cutAfter(content: string, rendered: string): string {
  const said = rendered.includes(content) ? content : content.trim();
  return rendered.slice(0, rendered.lastIndexOf(said)) + content;
}

/**
 * What the templates of Llama 2 and Mistral say to messages that are not turns by turns, and vLLM and Together answer with a
 * 400. Bedrock has words of its own for it.
 */
export function turnTrouble(family: Family | undefined, { messages }: Chat): string | undefined {
  if (family?.turns !== 'alternating') return undefined;
  const [first] = messages;
  const turns = first && isSystem(first) ? messages.slice(1) : messages;
  const strict = turns.every(({ role }, at) => (at % 2 === 0 ? role === 'user' : role === 'assistant'));
  return strict ? undefined : 'Conversation roles must alternate user/assistant/user/assistant/...';
}

/** The prompt of a chat; undefined where the template refuses it. */
export function renderChat({ template, turns }: Family, chat: Chat): string | undefined {
  const { messages, tools, begun, thinking } = chat;
  const arranged = ARRANGE[turns](messages);
  if (typeof template === 'function') return template({ ...chat, messages: arranged });
  try {
    const rendered = compile(template).render({
      messages: arranged,
      tools: tools.length > 0 ? tools : null,
      add_generation_prompt: !begun,
      bos_token: '<|begin_of_text|>',
      ...(thinking === undefined ? {} : { enable_thinking: thinking }),
    });
    return begun ? cutAfter(arranged.at(-1)?.content ?? '', rendered) : rendered;
  } catch {
    // Two tool calls of Llama 3 in one message, say: a server would answer 400, the sandbox estimates.
    return undefined;
  }
}
