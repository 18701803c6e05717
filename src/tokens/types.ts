import type { TokenizerFamily } from './families.ts';
import type { SpecialTokens } from './special-tokens.ts';

export interface TextOptions {
  /**
   * Special tokens written in the text: `text` takes them for plain text, as the makers' references do with contents;
   * `parse` for the tokens, as servers do with a rendered prompt. Default `text`.
   */
  readonly markers?: 'text' | 'parse';
  /** The text goes on where another ended, so SentencePiece puts no space before it. Default false. */
  readonly continued?: boolean;
}

export interface CountOptions extends TextOptions {
  /** Tokens beyond which the number no longer matters: counting stops soon after. */
  readonly limit?: number;
}

export interface Encoding {
  readonly ids: number[];
  /** What each token stands for; a token that is part of a character only shows U+FFFD. */
  readonly pieces: string[];
  /** Where each token starts in the text's UTF-8, in bytes. For families that read NFC, in that of its NFC form. */
  readonly offsets: number[];
}

export interface Tokenizer {
  readonly family: TokenizerFamily;
  /** `estimate`: the family's own vocabulary is not there, and the nearest one counts, off by `errorBound` at most. */
  readonly exactness: 'exact' | 'estimate';
  /** Share of the count: 0.3 is 30 %. */
  readonly errorBound?: number;
  /** Ids of the special tokens, by how they are written. None of an estimate, whose ids are not the model's. */
  readonly special: SpecialTokens;
  /**
   * Tokens of a text, without BOS or EOS and without making them. Lone surrogates count as U+FFFD, which is what is
   * sent. With a limit the count is exact up to it; above, it is only known to be above.
   */
  count(text: string, options?: CountOptions): number;
  encode(text: string, options?: TextOptions): number[];
  pieces(text: string, options?: TextOptions): Encoding;
  /**
   * The text of these tokens; the inverse of `encode` with the same options, but for what a family does not tell apart
   * (U+2581 and a space in SentencePiece, a text and its NFC form in Qwen). Ids that do not exist stand for nothing.
   */
  decode(ids: readonly number[], options?: Pick<TextOptions, 'continued'>): string;
  /** Whether there is such a token. */
  has(id: number): boolean;
}
