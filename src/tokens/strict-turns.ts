import { type Content, type Message, textOf } from '../core/index.ts';
import { strip } from './strip.ts';
import { type Template, templateOf } from './templates/index.ts';

const BLANK_LINE = '\n\n';

const mergeable = (message: Message): boolean =>
  message.role === 'user' || (message.role === 'assistant' && !message.toolCalls?.length);

/** Contents as one, as the template's own rendering merges them. Images stay where they are. */
function together(contents: readonly Content[], stripped: boolean): Content {
  const [only = '', ...others] = contents;
  if (others.length === 0) return only;
  if (contents.every((content) => typeof content === 'string')) {
    const texts = stripped ? contents.map(strip).filter((text) => text !== '') : contents;
    return texts.join(BLANK_LINE);
  }
  return contents.flatMap((content, at) => [
    ...(at === 0 ? [] : [{ type: 'text' as const, text: BLANK_LINE }]),
    ...(typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content),
  ]);
}

function merged(messages: readonly Message[], stripped: boolean): Message[] {
  const out: Message[] = [];
  let run: Message[] = [];
  const flush = (): void => {
    const [first] = run;
    if (first)
      out.push({
        ...first,
        content: together(
          run.map(({ content }) => content),
          stripped,
        ),
      });
    run = [];
  };
  for (const message of messages) {
    const [first] = run;
    if (first && !(first.role === message.role && mergeable(first) && mergeable(message))) flush();
    run.push(message);
  }
  flush();
  return out;
}

function isStrict(messages: readonly Message[], systemApart: boolean): boolean {
  const turns = messages.slice(messages[0]?.role === 'system' ? 1 : 0);
  return (
    turns[0]?.role === 'user' &&
    turns.every((message, at) => {
      const before = turns[at - 1];
      if (message.role === 'system') return !systemApart;
      return !before || before.role !== message.role || !mergeable(message) || !mergeable(before);
    })
  );
}

/** System text as one message in front, where the template has no other place for it. */
function systemFirst(
  messages: readonly Message[],
  { strip: stripped, dropsEmptySystem }: Template,
): readonly Message[] {
  const system = messages.filter(({ role }) => role === 'system');
  const others = messages.filter(({ role }) => role !== 'system');
  const contents = system.map(({ content }) => textOf(content));
  if (contents.length === 0 || (dropsEmptySystem && contents.every((text) => text === ''))) return others;
  return [{ role: 'system', content: together(contents, stripped) }, ...others];
}

const isBlankAnswer = (message: Message | undefined): boolean =>
  message?.role === 'assistant' && !message.toolCalls?.length && strip(textOf(message.content)) === '';

/** An answer that has been begun with nothing has not been begun; a server would take it for a turn. */
function withoutBlankEnd(messages: readonly Message[]): readonly Message[] {
  let end = messages.length;
  while (isBlankAnswer(messages[end - 1])) end--;
  return end === messages.length ? messages : messages.slice(0, end);
}

/**
 * A chat as servers take it whose template raises on anything but turns by turns (Llama 2, Code Llama, Mistral): system text
 * in front, neighbours of one role as one message, and a user first. It is what our own rendering of these families does,
 * so the prompt is the same to the token. Meta's guide opens its few-shot example with two messages of the user. An answer
 * begun with nothing is left out, for every family. The very messages where nothing is to be done.
 */
export function strictTurns(family: string, given: readonly Message[]): readonly Message[] {
  const messages = withoutBlankEnd(given);
  const template = templateOf(family);
  if (template?.sameRole !== 'merge') return messages;
  const systemApart = template.systemIn !== 'message';
  if (isStrict(messages, systemApart)) return messages;
  const arranged = merged(systemApart ? systemFirst(messages, template) : messages, template.strip);
  const first = arranged.findIndex(({ role }) => role !== 'system');
  const at = first < 0 ? arranged.length : first;
  if (arranged[at]?.role === 'user') return arranged;
  return [...arranged.slice(0, at), { role: 'user', content: '' }, ...arranged.slice(at)];
}
