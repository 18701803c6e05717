import { type Message, textOf } from '../core/index.ts';
import { arrange, type Turn, toolTrouble } from './arrange.ts';
import { createWriter, type Segment, type Writer, writtenOut } from './segments.ts';
import { strip, stripStart } from './strip.ts';
import { type Part, type Template, type TemplateOptions, templateOf, type Wrap } from './templates/index.ts';

/** A chat as one string, or why it cannot be one. `reason` is a whole sentence. */
export type Rendered =
  | { readonly kind: 'prompt'; readonly prompt: string; readonly stop: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string };

/** A chat as what a tokenizer takes. `writtenOut(segments)` is the string. */
export type RenderedSegments =
  | { readonly kind: 'prompt'; readonly segments: readonly Segment[]; readonly stop: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Who puts the first begin-of-sequence: `text` writes it into the prompt, `server` leaves it to a server that adds its
 * own, where a second one would be billed and read. See `bosOn`.
 */
export type Bos = 'text' | 'server';

export interface RenderOptions extends TemplateOptions {
  readonly bos?: Bos;
}

const none = (reason: string) => ({ kind: 'none', reason }) as const;

/** The messages as turns. A result gets the name of the function: that of the call with its id, or else of the latest. */
function turnsOf(messages: readonly Message[]): Turn[] {
  const names = new Map<string, string>();
  let latest = '';
  return messages.map((message) => {
    const text = textOf(message.content);
    if (message.role === 'tool') return { role: 'tool', text, name: names.get(message.toolCallId) ?? latest };
    const thought = message.role === 'assistant' && message.reasoning ? { thought: message.reasoning } : {};
    if (message.role !== 'assistant' || !message.toolCalls?.length) return { role: message.role, text, ...thought };
    for (const { id, name } of message.toolCalls) {
      names.set(id, name);
      latest = name;
    }
    return { role: 'assistant', text, calls: message.toolCalls, ...thought };
  });
}

const hasImage = ({ content }: Message): boolean =>
  typeof content !== 'string' && content.some((part) => part.type !== 'text');

/** The line ends between a thought and the answer are the template's. */
const afterThought = (text: string): string => text.replace(/^\n+/, '');

function write(writer: Writer, parts: readonly Part[]): void {
  for (const part of parts) {
    if ('mark' in part) writer.mark(part.mark);
    else writer.text(part.text);
  }
}

function wrap(writer: Writer, { before, lead, after }: Wrap, text: string, said = text): void {
  writer.mark(before);
  if (said !== '' && lead) writer.mark(lead);
  writer.text(text);
  writer.mark(after);
}

/**
 * The prompt that the model's makers specify for a chat, in segments. Contents are stripped where the references strip
 * them. A last message of the assistant is the beginning of its answer: it is left open and its end as it is.
 */
export function renderSegments(
  family: string,
  messages: readonly Message[],
  options: RenderOptions = {},
): RenderedSegments {
  const tools = options.tools ?? [];
  const turns = turnsOf(messages);
  const usesTools = tools.length > 0 || turns.some(({ role, calls }) => role === 'tool' || calls?.length);
  const template = templateOf(family, options, usesTools);
  if (!template) return none(`There is no prompt template for models of the family ${family}.`);
  if (turns.length === 0) return none('There are no messages.');
  if (messages.some(hasImage)) return none('The chat holds images, which a raw prompt cannot carry.');
  // An answer that has been begun with nothing has not been begun.
  while (turns.at(-1)?.role === 'assistant' && !turns.at(-1)?.calls && strip(turns.at(-1)?.text ?? '') === '') {
    turns.pop();
  }
  const trouble = toolTrouble(turns, template, tools);
  if (trouble) return none(trouble);

  const writer = createWriter(template.specials, template.writeDummySpace);
  if ((options.bos ?? 'text') === 'text') writer.mark(template.begin);
  writer.mark(template.preamble ?? '');
  emit(writer, arrange(turns, template), template, options);
  return { kind: 'prompt', segments: writer.segments(), stop: stopsOf(template, usesTools) };
}

const stopsOf = (template: Template, usesTools: boolean): readonly string[] =>
  usesTools && template.toolStop ? [...template.stop, ...template.toolStop] : template.stop;

function wrapOf(template: Template, role: 'system' | 'user' | 'assistant', previous: Turn | undefined): Wrap {
  if (role === 'assistant' && previous?.role !== 'user' && template.assistantAgain) return template.assistantAgain;
  return template[role];
}

function emit(writer: Writer, turns: Turn[], template: Template, { tools = [] }: RenderOptions): void {
  const form = tools.length > 0 ? template.tools : undefined;
  const last = turns.at(-1);
  const open = last?.role === 'assistant' && !last.calls ? turns.pop() : undefined;
  if (form?.system && turns[0]?.role !== 'system') write(writer, form.system(tools, ''));
  const firstUser = turns.findIndex(({ role }) => role === 'user');

  for (const [index, turn] of turns.entries()) {
    const { role, text, calls } = turn;
    const kept = template.strip ? strip(text) : text;
    const trim = !open && index === turns.length - 1 ? (template.trimEnd?.length ?? 0) : 0;
    if (role === 'tool') {
      const place = {
        name: turn.name ?? '',
        first: turns[index - 1]?.role !== 'tool',
        last: turns[index + 1]?.role !== 'tool',
      };
      write(writer, template.tools?.result(text, place) ?? []);
    } else if (calls) {
      write(writer, template.tools?.calls(calls, text, turn.thought) ?? []);
    } else if (role === 'system' && index === 0 && form?.system) {
      write(writer, form.system(tools, text));
    } else if (role === 'system' && index === 0 && template.opening) {
      wrap(writer, template.opening, strip(text));
    } else if (role === 'user' && index === firstUser && form) {
      write(writer, form.before?.(tools) ?? []);
      writer.mark(template.user.before);
      write(writer, form.user?.(tools) ?? []);
      writer.text(form.user ? strip(text) : kept);
      writer.mark(template.user.after);
    } else if (role === 'assistant' && turn.thought !== undefined && template.thought) {
      writer.mark(template.assistant.before);
      write(writer, template.thought(turn.thought));
      writer.text(afterThought(kept));
      writer.mark(template.assistant.after);
    } else {
      const { after, ...rest } = wrapOf(template, role, turns[index - 1]);
      wrap(writer, { ...rest, after: after.slice(0, after.length - trim) }, kept, text);
    }
  }
  if (open?.thought !== undefined && template.thought) {
    writer.mark(template.assistant.before);
    write(writer, template.thought(open.thought));
    writer.text(afterThought(open.text));
  } else if (open) {
    writer.mark(template.begun ?? wrapOf(template, 'assistant', turns.at(-1)).before);
    writer.text(template.strip ? stripStart(open.text) : open.text);
  } else {
    writer.mark(template.answer);
  }
}

/**
 * The same as one string.
 *
 * @example
 * renderChat('llama-3', [{ role: 'user', content: 'Hi' }]);
 */
export function renderChat(
  family: string,
  messages: readonly Message[],
  bos: Bos = 'text',
  options: TemplateOptions = {},
): Rendered {
  const rendered = renderSegments(family, messages, { ...options, bos });
  if (rendered.kind === 'none') return rendered;
  return { kind: 'prompt', prompt: writtenOut(rendered.segments), stop: rendered.stop };
}

/**
 * Whether a chat for this family can be sent as a raw prompt: it can be rendered, and what comes back is the answer and
 * nothing but. gpt-oss answers with its thoughts and channels in the text, so its chats are rendered to be counted only.
 */
export function hasTemplate(family: string): boolean {
  const template = templateOf(family);
  return template !== undefined && !template.answerIsMarked;
}
