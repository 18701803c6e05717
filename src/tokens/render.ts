import { type Message, textOf } from '../core/index.ts';
import { strip, stripStart } from './strip.ts';
import { TEMPLATES, type Template } from './templates.ts';

/** A chat as one string, or why it cannot be one. `reason` is a whole sentence. */
export type Rendered =
  | { readonly kind: 'prompt'; readonly prompt: string; readonly stop: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Who puts the first begin-of-sequence: `text` writes it into the prompt, `server` leaves it to a server that adds its
 * own, where a second one would be billed and read. Bedrock's InvokeModel adds it for Llama 2 and not for Llama 3.
 */
export type Bos = 'text' | 'server';

type Role = 'system' | 'user' | 'assistant';
interface Turn {
  readonly role: Role;
  readonly text: string;
}

const none = (reason: string): Rendered => ({ kind: 'none', reason });

const unrenderable = (message: Message): string | undefined => {
  if (message.role === 'tool') return 'The chat holds results of tools, for which a raw prompt has no place.';
  if (typeof message.content !== 'string' && message.content.some((part) => part.type !== 'text')) {
    return 'The chat holds images, which a raw prompt cannot carry.';
  }
  if (message.role === 'assistant' && message.toolCalls?.length) {
    return 'The chat holds calls of tools, for which a raw prompt has no place.';
  }
  return undefined;
};

/** Texts as one, with a blank line between them. A text alone stays as it is. */
function merged(texts: readonly string[]): string {
  if (texts.length < 2) return texts[0] ?? '';
  return texts
    .map(strip)
    .filter((text) => text !== '')
    .join('\n\n');
}

/** Neighbours of one role as one turn. */
function mergeNeighbours(turns: readonly Turn[]): Turn[] {
  const groups: { role: Role; texts: string[] }[] = [];
  for (const { role, text } of turns) {
    const last = groups.at(-1);
    if (last?.role === role) last.texts.push(text);
    else groups.push({ role, texts: [text] });
  }
  return groups.map(({ role, texts }) => ({ role, text: merged(texts) }));
}

/** The turns as the template needs them: an opening user where it needs one, and the system text at its place. */
function arrange(turns: readonly Turn[], template: Template): Turn[] {
  const system = turns.filter((turn) => turn.role === 'system');
  const apart = template.systemIn === 'first-user' ? turns.filter((turn) => turn.role !== 'system') : turns;
  const arranged = template.sameRole === 'merge' ? mergeNeighbours(apart) : [...apart];
  if (template.systemIn === 'message') return arranged;
  // Strict turns begin with a user: where nobody has spoken yet, or the assistant first, an empty one does.
  if (arranged[0]?.role !== 'user') arranged.unshift({ role: 'user', text: '' });
  const [first, ...rest] = arranged;
  if (!first || system.length === 0) return arranged;
  const { before, after } = template.system;
  return [{ role: 'user', text: before + merged(system.map((turn) => turn.text)) + after + first.text }, ...rest];
}

/**
 * The prompt that the model's makers specify for a chat. Contents are stripped as the references strip them.
 * A last message of the assistant is the beginning of its answer: it is left open and its end as it is.
 *
 * @example
 * renderChat('llama-3', [{ role: 'user', content: 'Hi' }]);
 */
export function renderChat(family: string, messages: readonly Message[], bos: Bos = 'text'): Rendered {
  const template = TEMPLATES.get(family);
  if (!template) return none(`There is no prompt template for models of the family ${family}.`);
  const turns: Turn[] = [];
  for (const message of messages) {
    const reason = unrenderable(message);
    if (reason) return none(reason);
    if (message.role !== 'tool') turns.push({ role: message.role, text: textOf(message.content) });
  }
  if (turns.length === 0) return none('There are no messages.');
  // An answer that has been begun with nothing has not been begun.
  while (turns.at(-1)?.role === 'assistant' && strip(turns.at(-1)?.text ?? '') === '') turns.pop();

  const arranged = arrange(turns, template);
  const open = arranged.at(-1)?.role === 'assistant' ? arranged.pop() : undefined;
  let prompt = bos === 'text' ? template.begin : '';
  for (const { role, text } of arranged) prompt += template[role].before + strip(text) + template[role].after;
  prompt += open ? template.assistant.before + stripStart(open.text) : template.answer;
  return { kind: 'prompt', prompt: prompt.toWellFormed(), stop: template.stop };
}

/** Whether a chat for this family can be rendered at all. */
export const hasTemplate = (family: string): boolean => TEMPLATES.has(family);
