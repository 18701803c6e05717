/**
 * What a prompt template is, the rules that differ between families, JSON as the templates write it, and the segments
 * that a rendered prompt consists of.
 */
import type { Tool, ToolCall } from '../../core/index.ts';

/**
 * What stands around each message in the text that the model reads, exact to the space, because a space is a token.
 * `render.ts` puts the pieces together. Every string here is the template's own text. The names of `specials` are
 * tokens in it; in a content they are always plain text.
 */
export interface Template {
  /** Begin-of-sequence. Empty if the model has none. */
  readonly begin: string;
  /** What follows begin-of-sequence in every prompt, even if the server adds begin-of-sequence. */
  readonly preamble?: string;
  readonly system: Wrap;
  readonly user: Wrap;
  readonly assistant: Wrap;
  /** Around an answer that does not follow a user's message. Default: `assistant`. */
  readonly assistantAgain?: Wrap;
  /** Around a system message that opens the chat. Default: `system`. */
  readonly opening?: Wrap;
  /** The system message for chats that open without one. Default: none. */
  readonly defaultSystem?: string;
  /**
   * Where system text goes. `message`: it stays in its own messages. `front`, `first-user`, `last-user`: all of it
   * goes, as one text, to the beginning of the prompt, of the first user's text, or of the last user's text.
   */
  readonly systemIn: 'message' | 'front' | 'first-user' | 'last-user';
  /**
   * Neighbouring messages of one role. `merge`: joined by a blank line, for models trained on strictly alternating
   * turns.
   */
  readonly sameRole: 'leave' | 'merge';
  /**
   * Who must speak first, apart from system messages. If it must be the user and is not, an empty user message is
   * added.
   */
  readonly opens: 'user' | 'anyone';
  /** Whether an empty system message is left out. */
  readonly dropsEmptySystem?: boolean;
  /** Whether contents are stripped, as the reference does. */
  readonly strip: boolean;
  /** An earlier answer without its thoughts, which end at `</think>`. Absent: it is kept whole. */
  readonly afterThought?: (answer: string) => string;
  /** An answer of the current turn whose thoughts are in its text: the two apart. Absent: it is kept whole. */
  readonly splitThought?: (answer: string) => Pick<Turn, 'text' | 'thought'>;
  /** Thoughts are left out up to the last answer without calls, instead of the last question. */
  readonly thoughtsSinceFinal?: true;
  /** Writes the thought before an answer of the current turn. Absent: thoughts are left out. */
  readonly thought?: (thought: string) => readonly Part[];
  /** What stands after the last message, so that the model answers. */
  readonly answer: string;
  /** Before an answer that the caller has begun. Default: `assistant.before`. */
  readonly begun?: string;
  /** Cut from the end of the last message's `after`. */
  readonly trimEnd?: string;
  /** The model writes marks into its answer, which must be parsed before a caller sees it. */
  readonly answerIsMarked?: boolean;
  /** Strings that end the answer. A server of raw completions may not know them. */
  readonly stop: readonly string[];
  /** More of them, for chats with tools. */
  readonly toolStop?: readonly string[];
  /** Names that are one token each wherever the template writes them. */
  readonly specials: readonly string[];
  /** Text that has a meaning in the prompt, so that a caller's content must not contain it. */
  readonly markers: readonly string[];
  /**
   * The reference encodes the text after a special token by itself, with SentencePiece's dummy space. Servers that
   * read one string do not, so in the string the space is written out.
   */
  readonly writeDummySpace?: boolean;
  readonly tools?: ToolForm;
  /** Writes a whole chat, for formats in which a message depends on its neighbours. The rest is for other uses. */
  readonly layout?: (chat: ChatLayout) => readonly Part[];
}

/** A message as templates see it: text only. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly text: string;
  readonly calls?: readonly ToolCall[];
  /** The reasoning before an answer. */
  readonly thought?: string;
  /** For a tool's result: the function that returned it. */
  readonly name?: string;
  /** For a tool's result: the id of its call. */
  readonly callId?: string;
}

/** A chat whose turns are arranged. */
export interface ChatLayout {
  readonly turns: readonly Turn[];
  readonly tools: readonly Tool[];
  /** The last turn is an answer that the caller has begun. */
  readonly open: boolean;
}

export interface Wrap {
  readonly before: string;
  /** Follows `before` if the content is not empty. */
  readonly lead?: string;
  readonly after: string;
}

/** A part of a message: `mark` is the template's own text, `text` is the caller's or the model's. */
export type Part = { readonly mark: string } | { readonly text: string };

/** How a template presents tools, calls and their results. */
export interface ToolForm {
  /** Most calls in one message. Default: no limit. */
  readonly maxCalls?: number;
  /** The opening system message, with the tools in it. `system` is undefined if the chat has none. */
  readonly system?: (tools: readonly Tool[], system: string | undefined) => readonly Part[];
  /** What stands before the first user message. */
  readonly before?: (tools: readonly Tool[]) => readonly Part[];
  /** What stands inside the first user message, before its text. */
  readonly user?: (tools: readonly Tool[]) => readonly Part[];
  /** A whole assistant message with calls. */
  readonly calls: (calls: readonly ToolCall[], text: string, thought?: string) => readonly Part[];
  /** A whole message with a tool's result. */
  readonly result: (text: string, place: Place) => readonly Part[];
}

/** The function that returned a result, and the result's place among neighbouring results. */
export interface Place {
  readonly name: string;
  readonly first: boolean;
  readonly last: boolean;
}

/** In a template's own text: ends a text that the reference encodes by itself, where no special token ends it. */
export const CUT = '\u0000';

/** What a template can depend on. */
export interface TemplateOptions {
  /** One of `variantsOf(family)`. Default: the first. */
  readonly variant?: string;
  /** The day for templates with a date line (UTC). Default: today. */
  readonly date?: Date;
  readonly tools?: readonly Tool[];
  /** For templates that state it. Those they do not know are the template's default. */
  readonly reasoningEffort?: string;
  /** Whether the model is to think, for templates that can ask for either. Default: as `variant` says. */
  readonly thinking?: boolean;
}

/** The rules for chats of more than one message: a part of `Template`, side by side for all families. */
export type Rules = Pick<Template, 'systemIn' | 'sameRole' | 'opens' | 'strip' | 'dropsEmptySystem'>;

type Row = readonly [
  systemIn: Rules['systemIn'],
  sameRole: Rules['sameRole'],
  opens: Rules['opens'],
  contents: 'strip' | 'keep',
  emptySystem: 'write' | 'drop',
];

/**
 * Common to all: an answer at the end of the chat stays open, so that the model continues it. An empty one is left
 * out. Any other empty message is written, with no content.
 */
const TABLE = {
  //                 system goes     neighbours  who opens  contents  empty system
  llama2: /*     */ ['first-user', 'merge', 'user', 'strip', 'write'],
  codeLlama70b: /**/ ['front', 'merge', 'user', 'strip', 'write'],
  llama3: /*     */ ['message', 'leave', 'anyone', 'strip', 'write'],
  llama4: /*     */ ['message', 'leave', 'anyone', 'keep', 'write'],
  mistralV1: /*  */ ['first-user', 'merge', 'user', 'keep', 'drop'],
  mistralV3: /*  */ ['last-user', 'merge', 'user', 'keep', 'drop'],
  mistralV13: /* */ ['message', 'merge', 'user', 'keep', 'write'],
  chatml: /*     */ ['message', 'leave', 'anyone', 'keep', 'write'],
  deepseek: /*   */ ['front', 'leave', 'anyone', 'keep', 'write'],
  harmony: /*    */ ['front', 'leave', 'anyone', 'keep', 'drop'],
  buffer: /*     */ ['front', 'leave', 'anyone', 'keep', 'drop'],
  plain: /*      */ ['message', 'leave', 'anyone', 'keep', 'write'],
} as const satisfies Readonly<Record<string, Row>>;

export function rulesOf(name: keyof typeof TABLE): Rules {
  const [systemIn, sameRole, opens, contents, emptySystem] = TABLE[name];
  return { systemIn, sameRole, opens, strip: contents === 'strip', dropsEmptySystem: emptySystem === 'drop' };
}

/** A quoted string, a run of other characters that are not space or separators, or a separator. */
const PIECE = /\s*("[^"\\]*(?:\\.[^"\\]*)*"|[^\s",:]+|[,:])\s*/gs;
const SPACED: Readonly<Record<string, string>> = { ',': ', ', ':': ': ' };

/**
 * JSON text as Python's `json.dumps` writes it, which is the templates' `tojson`: one space after commas and colons,
 * no other space, and no unnecessary escapes. Numbers keep their digits. Text that is not JSON is returned unchanged.
 */
export function respaced(json: string): string {
  try {
    JSON.parse(json);
  } catch {
    // A model can write invalid arguments. They are shown as it wrote them.
    return json;
  }
  return json.replace(PIECE, (_, piece: string) => {
    if (piece.startsWith('"')) return JSON.stringify(JSON.parse(piece));
    return SPACED[piece] ?? piece;
  });
}

/** A tool's definition with the keys in the order in which they are sent. */
const definitionOf = ({ name, description, parameters, strict }: Tool) => ({
  name,
  ...(description === undefined ? {} : { description }),
  ...(parameters === undefined ? {} : { parameters }),
  ...(strict === undefined ? {} : { strict }),
});

/** A tool as the OpenAI API writes it. With `indent`, on several lines indented by so many spaces. */
export function pythonJson(tool: Tool, indent?: number): string {
  const value = { type: 'function', function: definitionOf(tool) };
  return indent === undefined ? respaced(JSON.stringify(value)) : JSON.stringify(value, null, indent);
}

/** The same without the `function` around it. */
export const toolJson = (tool: Tool): string => respaced(JSON.stringify(definitionOf(tool)));

/**
 * A part of a prompt as a tokenizer must take it. A `text` is encoded as plain text, whatever it contains. A
 * `special` is the one token of that name. So nothing in a content can become a token of the template. SentencePiece
 * families encode each text by itself, with a dummy space in front, unless it is `continued`. `written` is how the
 * segment stands in the single string that other servers take, if that differs.
 */
export type Segment =
  | { readonly text: string; readonly continued?: true; readonly written?: string }
  | { readonly special: string; readonly written?: string };

/** The segments as one string, for a server that parses special tokens itself. */
export function writtenOut(segments: readonly Segment[]): string {
  let prompt = '';
  for (const segment of segments) prompt += segment.written ?? ('text' in segment ? segment.text : segment.special);
  return prompt;
}

/** Takes a prompt piece by piece. */
export interface Writer {
  /** Adds the template's own text. Special tokens in it become tokens. */
  mark(text: string): void;
  /** Adds text of the caller or the model. It stays text. */
  text(text: string): void;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A template's own text, cut: plain text, a special token, or an end of the text before it (`CUT`). */
type MarkPart = { readonly text: string } | { readonly special: string } | 'cut';

/** Cuts a template's own text at its special tokens. */
type MarkCutter = (mark: string) => readonly MarkPart[];

/** Marks that one cutter remembers. A template writes the same few around every message of every chat. */
const REMEMBERED = 256;

function newCutter(specials: readonly string[]): MarkCutter {
  const names = new Set(specials);
  const pattern = new RegExp(`(${[CUT, ...specials].map(escaped).join('|')})`);
  const partOf = (text: string): MarkPart => (text === CUT ? 'cut' : names.has(text) ? { special: text } : { text });
  const known = new Map<string, readonly MarkPart[]>();
  return (mark) => {
    const before = known.get(mark);
    if (before) return before;
    const parts = mark.split(pattern).filter((text) => text !== '');
    const cut = parts.map(partOf);
    // There are new marks with every date, so the number is limited.
    if (known.size >= REMEMBERED) known.clear();
    known.set(mark, cut);
    return cut;
  };
}

const cutters = new WeakMap<readonly string[], MarkCutter>();

/** @param specials must be the same array for every chat of a template: the cutter is cached by it */
export function cutterOf(specials: readonly string[]): MarkCutter {
  let cutter = cutters.get(specials);
  if (cutter === undefined) {
    cutter = newCutter(specials);
    cutters.set(specials, cutter);
  }
  return cutter;
}

/** Tags of thoughts. Users write them too, and servers that know them as tokens read them as such in any text. */
const SPOKEN = ['<think>', '</think>'];
const AT_SPOKEN = /(<\/?think>)/;

/** A writer whose result are segments. */
export function createWriter(
  specials: readonly string[],
  writeDummySpace = false,
): Writer & { segments(): readonly Segment[] } {
  const segments: Segment[] = [];
  const cut = cutterOf(specials);
  const speaks = SPOKEN.every((name) => specials.includes(name));
  let text = '';

  const flush = (): void => {
    if (text === '') return;
    const afterSpecial = segments.length > 0 && writeDummySpace;
    segments.push(afterSpecial ? { text, written: ` ${text}` } : { text });
    text = '';
  };

  return {
    mark(mark) {
      if (mark === '') return;
      for (const part of cut(mark)) {
        if (part === 'cut') flush();
        else if ('text' in part) text += part.text;
        else {
          flush();
          segments.push(part);
        }
      }
    },
    text(piece) {
      if (!(speaks && piece.includes('think>'))) {
        text += piece.toWellFormed();
        return;
      }
      for (const part of piece.toWellFormed().split(AT_SPOKEN)) {
        if (!SPOKEN.includes(part)) text += part;
        else {
          flush();
          segments.push({ special: part });
        }
      }
    },
    segments() {
      flush();
      return segments;
    },
  };
}
