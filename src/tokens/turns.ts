/**
 * A chat in the order that a template needs: system text at its place, neighbouring messages of one role merged, a
 * user first. `arrange` does it for our own rendering. `strictTurns` does it for messages that go to a server, whose
 * template would refuse them otherwise.
 */
import { type Content, type Message, type Tool, textOf } from '../core/index.ts';
import { type Template, type Turn, templateOf } from './templates/index.ts';

/**
 * What Python's `str.strip` takes as space. JavaScript's `trim` also takes U+FEFF, and leaves U+001C-1F and U+0085.
 */
const SPACE: ReadonlySet<number> = new Set([
  0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003,
  0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
]);

export function stripStart(text: string): string {
  let from = 0;
  while (from < text.length && SPACE.has(text.charCodeAt(from))) from++;
  return text.slice(from);
}

/** Strips a text as the reference templates do, which are Python. Any other space would be another token. */
export function strip(text: string): string {
  let to = text.length;
  while (to > 0 && SPACE.has(text.charCodeAt(to - 1))) to--;
  return stripStart(text.slice(0, to));
}

const BLANK_LINE = '\n\n';

/**
 * Texts joined by a blank line. With `stripped`, each is stripped and empty ones are left out. A single text stays as
 * it is.
 */
function joinTexts(texts: readonly string[], stripped: boolean): string {
  if (texts.length < 2) return texts[0] ?? '';
  const parts = stripped ? texts.map(strip).filter((text) => text !== '') : texts;
  return parts.join(BLANK_LINE);
}

const isSystem = (turn: Turn): boolean => turn.role === 'system';

const canMergeTurn = ({ role, calls }: Turn): boolean => (role === 'user' || role === 'assistant') && !calls?.length;

/** Merges neighbouring turns of one role. */
function mergeTurns(turns: readonly Turn[], stripped: boolean): Turn[] {
  const groups: { turn: Turn; texts: string[] }[] = [];
  for (const turn of turns) {
    const last = groups.at(-1);
    if (last && last.turn.role === turn.role && canMergeTurn(last.turn) && canMergeTurn(turn)) {
      last.texts.push(turn.text);
    } else groups.push({ turn, texts: [turn.text] });
  }
  return groups.map(({ turn, texts }) => ({ ...turn, text: joinTexts(texts, stripped) }));
}

/**
 * Removes the thoughts of earlier answers. Answers after the last question are steps of one answer and keep theirs.
 */
function dropThoughts(turns: readonly Turn[], template: Template): readonly Turn[] {
  const { afterThought, splitThought, thoughtsSinceFinal } = template;
  if (!afterThought && !thoughtsSinceFinal) return turns;
  const last = turns.findLastIndex(({ role, calls }) =>
    thoughtsSinceFinal ? role === 'assistant' && !calls : role === 'user',
  );
  return turns.map((turn, index) => {
    if (turn.role !== 'assistant') return turn;
    const { thought, ...rest } = turn;
    if (index > last) return thought === undefined && splitThought ? { ...rest, ...splitThought(turn.text) } : turn;
    return thought === undefined && afterThought ? { ...rest, text: afterThought(turn.text) } : rest;
  });
}

/** Puts all system text in front of a user's text: the first user's or the last one's, as the template has it. */
function systemIntoUser(turns: Turn[], system: readonly Turn[], template: Template): Turn[] {
  const at =
    template.systemIn === 'first-user'
      ? turns.findIndex(({ role }) => role === 'user')
      : turns.findLastIndex(({ role }) => role === 'user');
  const user = turns[at];
  if (!user || system.length === 0) return turns;
  const { before, after } = template.system;
  const text = joinTexts(
    system.map((turn) => turn.text),
    template.strip,
  );
  return turns.with(at, { ...user, text: before + text + after + user.text });
}

/** The turns as the template needs them: merged, with the right role first, and with system text at its place. */
export function arrange(given: readonly Turn[], template: Template): Turn[] {
  const turns = dropThoughts(given, template);
  const systemTurns = turns.filter(isSystem);
  const system = template.dropsEmptySystem && systemTurns.every(({ text }) => text === '') ? [] : systemTurns;
  const placed = template.systemIn === 'message' ? turns : turns.filter((turn) => !isSystem(turn));
  const arranged = template.sameRole === 'merge' ? mergeTurns(placed, template.strip) : [...placed];

  if (template.opens === 'user') {
    // The first turn must be a user's. If it is not, an empty one is inserted.
    const first = arranged.findIndex((turn) => !isSystem(turn));
    const at = first < 0 ? arranged.length : first;
    if (arranged[at]?.role !== 'user') arranged.splice(at, 0, { role: 'user', text: '' });
  }
  if (template.systemIn === 'first-user' || template.systemIn === 'last-user') {
    return systemIntoUser(arranged, system, template);
  }
  if (template.systemIn === 'front' && system.length > 0) {
    const text = joinTexts(
      system.map((turn) => turn.text),
      template.strip,
    );
    arranged.unshift({ role: 'system', text });
  }
  if (template.defaultSystem !== undefined && arranged[0]?.role !== 'system') {
    arranged.unshift({ role: 'system', text: template.defaultSystem });
  }
  return arranged;
}

/** Why the template cannot show these tools, calls and results. Undefined if it can. */
export function toolTrouble(turns: readonly Turn[], template: Template, tools: readonly Tool[]): string | undefined {
  const form = template.tools;
  const used = tools.length > 0 || turns.some(({ role, calls }) => role === 'tool' || calls?.length);
  if (!used || template.layout) return undefined;
  if (!form) return 'The chat has tools, and the prompt template of this model has no place for them.';
  const most = form.maxCalls ?? Number.POSITIVE_INFINITY;
  if (turns.some(({ calls }) => (calls?.length ?? 0) > most)) {
    return `An answer in the chat has several tool calls, and the prompt template of this model has a place for ${most}.`;
  }
  const first = turns.find((turn) => !isSystem(turn));
  if (tools.length > 0 && (form.user || form.before) && first?.role !== 'user') {
    return 'The chat has tools, which this model’s prompt template puts into the first message, and that is not a user message.';
  }
  return undefined;
}

const canMergeMessage = (message: Message): boolean =>
  message.role === 'user' || (message.role === 'assistant' && !message.toolCalls?.length);

/** Contents merged into one, as our own rendering would merge them. Images stay where they are. */
function joinContents(contents: readonly Content[], stripped: boolean): Content {
  const [only = '', ...others] = contents;
  if (others.length === 0) return only;
  if (contents.every((content) => typeof content === 'string')) return joinTexts(contents, stripped);
  return contents.flatMap((content, at) => [
    ...(at === 0 ? [] : [{ type: 'text' as const, text: BLANK_LINE }]),
    ...(typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content),
  ]);
}

/** Merges neighbouring messages of one role. */
function mergeMessages(messages: readonly Message[], stripped: boolean): Message[] {
  const merged: Message[] = [];
  let run: Message[] = [];
  const flush = (): void => {
    const [first] = run;
    const contents = run.map(({ content }) => content);
    if (first) merged.push({ ...first, content: joinContents(contents, stripped) });
    run = [];
  };
  for (const message of messages) {
    const [first] = run;
    if (first && !(first.role === message.role && canMergeMessage(first) && canMergeMessage(message))) flush();
    run.push(message);
  }
  flush();
  return merged;
}

/** Whether the chat already is in strict turns. A system message may open it. */
function isStrict(messages: readonly Message[], systemApart: boolean): boolean {
  const turns = messages.slice(messages[0]?.role === 'system' ? 1 : 0);
  return (
    turns[0]?.role === 'user' &&
    turns.every((message, at) => {
      const before = turns[at - 1];
      if (message.role === 'system') return !systemApart;
      return !before || before.role !== message.role || !canMergeMessage(message) || !canMergeMessage(before);
    })
  );
}

/** All system text as one message in front, for templates that have no other place for it. */
function systemFirst(
  messages: readonly Message[],
  { strip: stripped, dropsEmptySystem }: Template,
): readonly Message[] {
  const system = messages.filter(({ role }) => role === 'system');
  const others = messages.filter(({ role }) => role !== 'system');
  const contents = system.map(({ content }) => textOf(content));
  if (contents.length === 0 || (dropsEmptySystem && contents.every((text) => text === ''))) return others;
  return [{ role: 'system', content: joinTexts(contents, stripped) }, ...others];
}

/**
 * System text where the family's template reads it. Some write it wherever it stands. All others, and those that are
 * not known, get the text that opens the chat as one message, because some read the first alone, and later text from
 * the user's turn beside it, because they put it in front, drop it or refuse it. (In front it would change the
 * beginning of every prompt, and come before what it is about.) Returns `messages` itself if nothing has to change.
 */
export function placeSystem(family: string, messages: readonly Message[]): readonly Message[] {
  const first = messages.findIndex(({ role }) => role !== 'system');
  const opening = messages.slice(0, first < 0 ? messages.length : first);
  const isLate = ({ role }: Message, at: number): boolean => role === 'system' && at >= opening.length;
  if (opening.length < 2 && !messages.some(isLate)) return messages;
  const template = templateOf(family);
  if (template?.systemIn === 'message') return messages;
  const contents = opening.map(({ content }) => content).filter((content) => strip(textOf(content)) !== '');
  const text = joinContents(contents, template?.strip ?? false);
  const placed: Message[] = opening.length > 1 ? [{ role: 'system', content: text }] : opening;
  /** The last message is system text alone, and what the user says next belongs to it. */
  let open = false;
  for (const [at, message] of messages.entries()) {
    if (at < opening.length) continue;
    const last = placed.at(-1);
    const late = isLate(message, at);
    if (late && strip(textOf(message.content)) === '') continue;
    if (last?.role === 'user' && (late || (open && message.role === 'user'))) {
      const said = late ? last : message;
      placed[placed.length - 1] = { ...said, content: joinContents([last.content, message.content], false) };
      open &&= late;
    } else if (last && open && message.role === 'tool') {
      // Nothing may stand between a call and its results.
      placed.splice(-1, 0, message);
    } else {
      placed.push(late ? { role: 'user', content: message.content } : message);
      open = late;
    }
  }
  return placed;
}

const isBlankAnswer = (message: Message | undefined): boolean =>
  message?.role === 'assistant' && !message.toolCalls?.length && strip(textOf(message.content)) === '';

/** Drops empty answers at the end. They are not the beginning of an answer, and a server would take one for a turn. */
function withoutBlankEnd(messages: readonly Message[]): readonly Message[] {
  let end = messages.length;
  while (isBlankAnswer(messages[end - 1])) end--;
  return end === messages.length ? messages : messages.slice(0, end);
}

/**
 * A chat for a server whose template refuses anything but alternating turns (Llama 2, Code Llama, Mistral): system
 * text in front, neighbouring messages of one role merged, a user first. Our own rendering of these families does the
 * same, so the prompt is the same token for token. (Meta's guide opens its few-shot example with two user messages.)
 * For every family, empty answers at the end are left out. Returns `given` itself if nothing has to change.
 */
export function strictTurns(family: string, given: readonly Message[]): readonly Message[] {
  const messages = withoutBlankEnd(given);
  const template = templateOf(family);
  if (template?.sameRole !== 'merge') return messages;
  const systemApart = template.systemIn !== 'message';
  if (isStrict(messages, systemApart)) return messages;
  const arranged = mergeMessages(systemApart ? systemFirst(messages, template) : messages, template.strip);
  const first = arranged.findIndex(({ role }) => role !== 'system');
  const at = first < 0 ? arranged.length : first;
  if (arranged[at]?.role === 'user') return arranged;
  return [...arranged.slice(0, at), { role: 'user', content: '' }, ...arranged.slice(at)];
}
