import type { Message, ToolCall } from './call.ts';

/**
 * Ids of tool calls. Models and servers accept different forms of ids. So when a conversation moves to another
 * provider, the ids of calls and of their results are rewritten. The same conversation always gets the same ids.
 */

/** The form that callers get and most servers take. Bedrock takes no other (API model, `ToolUseId`). */
const PLAIN = /^[a-zA-Z0-9_-]{1,64}$/;
/** Mistral's chat templates refuse any other id (so also Vercel's AI SDK, `normalize-tool-call-id`). */
const NINE = /^[a-zA-Z0-9]{9}$/;

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * A 53-bit hash of a text (cyrb53, public domain): not cryptographic; two ids of one conversation do not collide in
 * practice.
 */
function hash53(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}

/** Nine letters and digits derived from a text: the same text gives the same id. */
export function hashedId(text: string): string {
  let rest = hash53(text);
  let digits = '';
  for (let i = 0; i < 9; i++) {
    digits = DIGITS.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** The id that a caller is given for a call, by the id that the server gave it. */
export const handedOutId = (id: string): string => (PLAIN.test(id) ? id : `call_${hashedId(id)}`);

/**
 * The forms of ids. `mistral`: nine letters and digits. `kimi`: Kimi writes the id into its prompt, and was trained
 * on the function's name and a number that counts all calls of the conversation
 * (https://huggingface.co/moonshotai/Kimi-K2-Instruct, `docs/tool_call_guidance.md`).
 */
export type ToolIdForm = 'plain' | 'mistral' | 'kimi';

/** The form that a family's template takes, where its server sets no limit. */
export function toolIdForm(family: string): ToolIdForm {
  if (/^(?:ministral|mistral|mixtral|devstral|magistral|voxtral|pixtral)/.test(family)) return 'mistral';
  return family.startsWith('kimi-') ? 'kimi' : 'plain';
}

/**
 * Gives each call of a conversation, in order, its id. No two are the same: some clients count `call_0` anew in every
 * turn.
 */
export function toolIds(form: ToolIdForm): (call: ToolCall) => string {
  const taken = new Set<string>();
  /** By id, the number that was tried last. */
  const tried = new Map<string, number>();
  const accepted = form === 'mistral' ? NINE : PLAIN;
  let calls = 0;
  return ({ id, name }) => {
    if (form === 'kimi') return `functions.${name}:${calls++}`;
    let sent = accepted.test(id) ? id : hashedId(id);
    if (taken.has(sent)) {
      let again = tried.get(id) ?? 1;
      while (taken.has(sent)) sent = hashedId(`${id}\n${++again}`);
      tried.set(id, again);
    }
    taken.add(sent);
    return sent;
  };
}

/**
 * The messages with ids of this form; `messages` itself where all are. A result goes to the call of its id in the
 * latest message that has calls; of several calls of one id, results are theirs in order.
 */
export function withToolIds(messages: readonly Message[], form: ToolIdForm): readonly Message[] {
  if (!messages.some((message) => message.role === 'tool' || (message.role === 'assistant' && message.toolCalls))) {
    return messages;
  }
  const idOf = toolIds(form);
  let waiting = new Map<string, { readonly ids: string[]; answered: number }>();
  let changed: Message[] | undefined;
  for (const [at, message] of messages.entries()) {
    let sent = message;
    if (message.role === 'assistant' && message.toolCalls?.length) {
      waiting = new Map();
      let same = true;
      const toolCalls: ToolCall[] = [];
      for (const call of message.toolCalls) {
        const id = idOf(call);
        const others = waiting.get(call.id);
        if (others) others.ids.push(id);
        else waiting.set(call.id, { ids: [id], answered: 0 });
        same &&= id === call.id;
        toolCalls.push(id === call.id ? call : { ...call, id });
      }
      if (!same) sent = { ...message, toolCalls };
    } else if (message.role === 'tool') {
      const called = waiting.get(message.toolCallId);
      // Of more results than calls the rest are the last call's.
      const toolCallId =
        called?.ids[Math.min(called.answered++, called.ids.length - 1)] ?? unanswered(message.toolCallId, form);
      if (toolCallId !== message.toolCallId) sent = { ...message, toolCallId };
    }
    if (sent !== message) changed ??= messages.slice(0, at);
    changed?.push(sent);
  }
  return changed ?? messages;
}

/** For a result whose call is not there. */
const unanswered = (id: string, form: ToolIdForm): string =>
  (form === 'mistral' ? NINE : PLAIN).test(id) ? id : hashedId(id);
