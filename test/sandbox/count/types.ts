import type { Json } from '../json.ts';

/** What a prompt is counted of, and with what. */

/** A message as Hugging Face's chat templates take it. */
export interface Message {
  readonly role: string;
  readonly content: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly {
    readonly id?: string;
    readonly function: { readonly name: string; readonly arguments: Json };
    /** The arguments as they came, or were given out. */
    readonly written?: string;
  }[];
  readonly tool_call_id?: string;
}

export interface Chat {
  readonly messages: readonly Message[];
  /** Each as OpenAI's API has it: `{"type": "function", "function": {…}}`. */
  readonly tools: readonly Json[];
  /** The last message is the beginning of the answer, which goes on from there. */
  readonly begun: boolean;
  /** Whether the model is told to think before it answers, and how hard. */
  readonly thinking?: boolean;
  readonly effort?: string;
}

/** A tokenizer library, cut down to what the sandbox needs of it. */
export interface Library {
  /** Without begin and end marks. Throws on texts that the library cannot take. */
  encode(text: string): readonly number[];
  /** The text of any run of ids; a character that is cut in half comes as U+FFFD. */
  decode(ids: readonly number[]): string;
  /** SentencePiece puts a space before each text, which `decode` gives back. */
  readonly leadingSpace: boolean;
  /** Where the library takes quadratic time, which a long text makes minutes of. */
  readonly slowOn?: RegExp;
}
