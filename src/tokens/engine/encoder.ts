/** What a tokenizer's two kinds have in common: they read the UTF-8 text in a buffer. */
export interface Encoder {
  /** Tokens of the loaded text. Once more than `limit` it may stop, at the end of a piece. */
  count(limit: number): number;
  /** Appends the loaded text's token ids, and where each ends in the buffer. */
  encode(ids: number[], ends: number[]): void;
  /** The bytes that a token stands for; none for an id that the vocabulary does not have. */
  bytesOf(id: number): Uint8Array;
}
