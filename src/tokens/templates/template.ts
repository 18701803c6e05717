import type { Tool, ToolCall } from '../../core/index.ts';

/**
 * What a chat template is: what stands around each message in the text that the model reads. Exact to the space, because
 * a space is a token. `render.ts` puts the pieces together. Every string here is the template's own text: tokens of
 * `specials` in it are tokens, which in a content they never are.
 */
export interface Template {
  /** Begin-of-sequence. Empty where the model has none. */
  readonly begin: string;
  /** What every prompt has next, whoever wrote begin-of-sequence. */
  readonly preamble?: string;
  readonly system: Wrap;
  readonly user: Wrap;
  readonly assistant: Wrap;
  /** Around an answer that does not follow a user's message, where that is not `assistant`. */
  readonly assistantAgain?: Wrap;
  /** Around the system message that opens the chat, where that is not `system`. */
  readonly opening?: Wrap;
  /** The system message of a chat that opens without one. Absent: it then has none. */
  readonly defaultSystem?: string;
  /**
   * Where system text goes: messages of its own, where they stand; or all of it, as one, in front of everything, of the
   * first user's text, or of the last user's.
   */
  readonly systemIn: 'message' | 'front' | 'first-user' | 'last-user';
  /** Neighbours of one role: left as they are, or merged with a blank line where the model was trained on strict turns. */
  readonly sameRole: 'leave' | 'merge';
  /** Who must speak first, system messages apart. Where it must be the user and is not, an empty message of one is put there. */
  readonly opens: 'user' | 'anyone';
  /** An empty system message is as none. */
  readonly dropsEmptySystem?: boolean;
  /** Whether contents lose the space around them, as the reference does it. */
  readonly strip: boolean;
  /** What remains of an earlier answer that holds its thoughts, up to `</think>`. Absent: all of it. */
  readonly afterThought?: (answer: string) => string;
  /** What was thought before an answer of the present turn, in front of it. Absent: no thought of an earlier answer is shown. */
  readonly thought?: (thought: string) => readonly Part[];
  /** After the last message: the words after which the model answers. */
  readonly answer: string;
  /** Before an answer that the caller has begun, where that is not `assistant.before`. */
  readonly begun?: string;
  /** What the last message does without, of what stands after messages. */
  readonly trimEnd?: string;
  /** The answer has marks of its own in it, which somebody must read before a caller sees it. */
  readonly answerIsMarked?: boolean;
  /** Strings that end the answer and that a server of raw completions may not know to end it. */
  readonly stop: readonly string[];
  /** The same, only where the model has been given tools. */
  readonly toolStop?: readonly string[];
  /** Text that is one token of the vocabulary wherever the template writes it. */
  readonly specials: readonly string[];
  /** Text that the template gives a meaning, which a caller's content must therefore not hold. */
  readonly markers: readonly string[];
  /**
   * The reference encodes what follows a special token as a text of its own, with SentencePiece's dummy space, and
   * servers that read one string do not: there the space is written.
   */
  readonly writeDummySpace?: boolean;
  readonly tools?: ToolForm;
}

export interface Wrap {
  readonly before: string;
  /** Also before, where the caller wrote anything at all. */
  readonly lead?: string;
  readonly after: string;
}

/** A piece of a message that holds both: `mark` is the template's own text, `text` somebody's. */
export type Part = { readonly mark: string } | { readonly text: string };

/** How a family is told of tools, and how its calls and their results stand in a chat. */
export interface ToolForm {
  /** Most calls in one message. Absent: any number. */
  readonly maxCalls?: number;
  /** Whether it can write these down. Absent: it can write any. */
  readonly knows?: (tools: readonly Tool[]) => boolean;
  /** The opening system message as one that tells of the tools. */
  readonly system?: (tools: readonly Tool[], system: string) => readonly Part[];
  /** In front of the first user's message. */
  readonly before?: (tools: readonly Tool[]) => readonly Part[];
  /** In front of the first user's text. */
  readonly user?: (tools: readonly Tool[]) => readonly Part[];
  /** A whole message of the assistant that calls. */
  readonly calls: (calls: readonly ToolCall[], text: string, thought?: string) => readonly Part[];
  /** A whole message with a result. */
  readonly result: (text: string, place: Place) => readonly Part[];
}

/** Where a result stands among neighbouring results, and the function that gave it. */
export interface Place {
  readonly name: string;
  readonly first: boolean;
  readonly last: boolean;
}

/** Ends a text that the reference encodes by itself, where no special token does. */
export const CUT = '\u0000';

/** What a template may depend on. */
export interface TemplateOptions {
  /** One of the family's `VARIANTS`; absent: its first. */
  readonly variant?: string;
  /** The day that templates with a date line tell the model. UTC. */
  readonly date?: Date;
  readonly tools?: readonly Tool[];
  /** `low`, `medium` or `high`, for templates that tell the model how much to think. Anything else is `medium`. */
  readonly reasoningEffort?: string;
}
