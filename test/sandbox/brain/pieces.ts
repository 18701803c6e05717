/** Short words stay whole, long ones come in fours, each with the space before it: about four characters a token. */
const PIECE = /\s{0,8}(?:\S{1,7}(?!\S)|\S{1,4})|\s{1,8}/gu;

/** A part of a text that is streamed as one. Joined, the parts are the text again. */
export interface Piece {
  readonly text: string;
  readonly tokens: number;
}

/** How a tokenizer cuts what is written. */
export type Split = (text: string) => readonly Piece[];

/** The sandbox's own tokens, for models whose tokenizer it does not have. */
export const estimate: Split = (text) => (text.match(PIECE) ?? []).map((piece) => ({ text: piece, tokens: 1 }));

export const countTokens = (text: string): number => estimate(text).length;

/** Role headers and the like, about what the chat templates of Llama add to each turn. */
const TOKENS_A_TURN = 4;

export const countTurns = (turns: readonly { readonly text: string }[]): number =>
  turns.reduce((sum, turn) => sum + countTokens(turn.text) + TOKENS_A_TURN, 1);
