/** Renders chats, and prompts to fill in between two texts, as the models' makers specify them. */
import { type Message, textOf } from '../core/index.ts';
import {
  type Bos,
  type Part,
  type Template,
  type TemplateOptions,
  type Turn,
  templateOf,
  type Wrap,
} from './templates/index.ts';
import { createWriter, type Segment, type Writer, writtenOut } from './templates/template.ts';
import { arrange, strip, stripStart, toolTrouble } from './turns.ts';

/** A chat as one string, or why it cannot be rendered. `reason` is a full sentence. */
export type Rendered =
  | { readonly kind: 'prompt'; readonly prompt: string; readonly stop: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string };

/** A chat as segments, for counting. `writtenOut(segments)` is the string. */
export type RenderedSegments =
  | { readonly kind: 'prompt'; readonly segments: readonly Segment[]; readonly stop: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string };

export interface RenderOptions extends TemplateOptions {
  readonly bos?: Bos;
}

const none = (reason: string) => ({ kind: 'none', reason }) as const;

/**
 * The messages as turns. A tool's result gets the name of its call's function, or of the latest call if the id is
 * unknown.
 */
function turnsOf(messages: readonly Message[]): Turn[] {
  const names = new Map<string, string>();
  let latest = '';
  return messages.map((message) => {
    const text = textOf(message.content);
    if (message.role === 'tool') {
      const { toolCallId: callId } = message;
      return { role: 'tool', text, name: names.get(callId) ?? latest, callId };
    }
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

/** The template writes the line breaks between a thought and the answer itself. */
const afterThought = (text: string): string => text.replace(/^\n+/, '');

function write(writer: Writer, parts: readonly Part[]): void {
  for (const part of parts) {
    if ('mark' in part) writer.mark(part.mark);
    else writer.text(part.text);
  }
}

/** @param original the text before it was stripped */
function wrap(writer: Writer, { before, lead, after }: Wrap, text: string, original = text): void {
  writer.mark(before);
  if (original !== '' && lead) writer.mark(lead);
  writer.text(text);
  writer.mark(after);
}

/** A chat with the template that it is rendered in, or why it cannot be rendered. */
type Prepared =
  | {
      readonly kind: 'chat';
      readonly template: Template;
      readonly turns: readonly Turn[];
      readonly usesTools: boolean;
      readonly options: RenderOptions;
    }
  | { readonly kind: 'none'; readonly reason: string };

/** The first step of rendering. `writePrompt` is the second. */
export function prepareChat(family: string, messages: readonly Message[], options: RenderOptions): Prepared {
  const tools = options.tools ?? [];
  const turns = turnsOf(messages);
  const usesTools = tools.length > 0 || turns.some(({ role, calls }) => role === 'tool' || calls?.length);
  const template = templateOf(family, options, usesTools);
  if (!template) return none(`There is no prompt template for models of the family ${family}.`);
  if (turns.length === 0) return none('There are no messages.');
  if (messages.some(hasImage)) return none('The chat holds images, which a raw prompt cannot carry.');
  // An empty answer at the end is not the beginning of an answer.
  while (turns.at(-1)?.role === 'assistant' && !turns.at(-1)?.calls && strip(turns.at(-1)?.text ?? '') === '') {
    turns.pop();
  }
  const trouble = toolTrouble(turns, template, tools);
  if (trouble) return none(trouble);
  return { kind: 'chat', template, turns, usesTools, options };
}

/** Writes the prompt of a prepared chat, piece by piece. */
export function writePrompt(writer: Writer, chat: Extract<Prepared, { kind: 'chat' }>): void {
  const { template, turns, options } = chat;
  if ((options.bos ?? 'text') === 'text') writer.mark(template.begin);
  writer.mark(template.preamble ?? '');
  writeTurns(writer, arrange(turns, template), template, options);
}

/**
 * The prompt that the model's makers specify for a chat, as segments. Contents are stripped where the references
 * strip them. If the last message is the assistant's, it is the beginning of the answer: its turn stays open and its
 * end is kept.
 */
export function renderSegments(
  family: string,
  messages: readonly Message[],
  options: RenderOptions = {},
): RenderedSegments {
  const chat = prepareChat(family, messages, options);
  if (chat.kind === 'none') return chat;
  const { template, usesTools } = chat;
  const writer = createWriter(template.specials, template.writeDummySpace);
  writePrompt(writer, chat);
  return { kind: 'prompt', segments: writer.segments(), stop: stopsOf(template, usesTools) };
}

const stopsOf = (template: Template, usesTools: boolean): readonly string[] =>
  usesTools && template.toolStop ? [...template.stop, ...template.toolStop] : template.stop;

function wrapOf(template: Template, role: 'system' | 'user' | 'assistant', previous: Turn | undefined): Wrap {
  if (role === 'assistant' && previous?.role !== 'user' && template.assistantAgain) return template.assistantAgain;
  return template[role];
}

function writeTurns(writer: Writer, turns: Turn[], template: Template, { tools = [] }: RenderOptions): void {
  const form = tools.length > 0 ? template.tools : undefined;
  const last = turns.at(-1);
  if (template.layout) {
    const open = last?.role === 'assistant' && !last.calls;
    write(writer, template.layout({ turns, tools, open }));
    return;
  }
  const open = last?.role === 'assistant' && !last.calls ? turns.pop() : undefined;
  if (form?.system && turns[0]?.role !== 'system') write(writer, form.system(tools, undefined));
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
      const around = wrapOf(template, role, turns[index - 1]);
      const { after } = around;
      wrap(writer, trim > 0 ? { ...around, after: after.slice(0, after.length - trim) } : around, kept, text);
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
 * A chat rendered as one string.
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
 * Whether chats for this family can be sent as a raw prompt: there is a template, and the output is the answer alone.
 * gpt-oss writes thoughts and channel marks into its output, so its chats are rendered for counting only.
 */
export function hasTemplate(family: string): boolean {
  const template = templateOf(family);
  return template !== undefined && !template.answerIsMarked;
}

/** A prompt whose completion belongs between two texts, or why there is none. */
export type Infill =
  | { readonly kind: 'prompt'; readonly segments: readonly Segment[]; readonly stop: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string };

interface InfillForm {
  readonly begin?: string;
  readonly of: (prefix: string, suffix: string) => readonly Segment[];
  readonly stop: readonly string[];
  readonly markers: readonly string[];
}

const filled = (text: string, segment: (text: string) => Segment): Segment[] => (text === '' ? [] : [segment(text)]);

/**
 * Code Llama, prefix first: `infilling_prompt_tokens` in llama/generation.py of
 * https://github.com/meta-llama/codellama: `<PRE> {prefix} <SUF>{suffix} <MID>`. The prefix gets SentencePiece's
 * dummy space, the suffix does not. In the string that space is written out, and so are the spaces that belong to the
 * names of the other two tokens.
 */
const codeLlama: InfillForm = {
  begin: '<s>',
  of: (prefix, suffix) => [
    { special: '<PRE>', written: prefix === '' ? '<PRE> ' : '<PRE>' },
    ...filled(prefix, (text) => ({ text, written: ` ${text}` })),
    { special: '<SUF>', written: ' <SUF>' },
    ...filled(suffix, (text) => ({ text, continued: true })),
    { special: '<MID>', written: ' <MID>' },
  ],
  stop: ['<EOT>'],
  markers: ['<PRE>', '<SUF>', '<MID>', '<EOT>', '<s>', '</s>'],
};

/** Qwen Coder: https://github.com/QwenLM/Qwen3-Coder#fill-in-the-middle-with-qwen3-coder */
const qwenCoder: InfillForm = {
  of: (prefix, suffix) => [
    { special: '<|fim_prefix|>' },
    ...filled(prefix, (text) => ({ text })),
    { special: '<|fim_suffix|>' },
    ...filled(suffix, (text) => ({ text })),
    { special: '<|fim_middle|>' },
  ],
  stop: ['<|endoftext|>', '<|fim_pad|>', '<|im_end|>'],
  markers: [
    '<|fim_prefix|>',
    '<|fim_suffix|>',
    '<|fim_middle|>',
    '<|fim_pad|>',
    '<|repo_name|>',
    '<|file_sep|>',
    '<|endoftext|>',
    '<|im_start|>',
    '<|im_end|>',
  ],
};

const INFILL_FORMS: ReadonlyMap<string, InfillForm> = new Map([
  ['code-llama', codeLlama],
  ['qwen3-coder', qwenCoder],
]);

/** Text with a meaning in infill prompts, which neither side may contain. */
export const infillMarkersOf = (family: string): readonly string[] => INFILL_FORMS.get(family)?.markers ?? [];

/**
 * The prompt whose completion belongs between `prefix` and `suffix`. Not every model of a family was trained for it;
 * the catalogue says which were.
 */
export function renderInfill(family: string, prefix: string, suffix: string, bos: 'text' | 'server' = 'text'): Infill {
  const form = INFILL_FORMS.get(family);
  if (!form) return { kind: 'none', reason: `Models of the family ${family} cannot fill in between two texts.` };
  const begin: Segment[] = form.begin && bos === 'text' ? [{ special: form.begin }] : [];
  const segments = [...begin, ...form.of(prefix.toWellFormed(), suffix.toWellFormed())];
  return { kind: 'prompt', segments, stop: form.stop };
}
