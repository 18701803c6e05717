/** Short words stay whole, long ones come in fours, each with the space before it: about four characters a token. */
const PIECE = /\s{0,8}(?:\S{1,7}(?!\S)|\S{1,4})|\s{1,8}/gu;

/** The sandbox's tokens. Joined, they are the text again. */
export const piecesOf = (text: string): string[] => text.match(PIECE) ?? [];

export const countTokens = (text: string): number => piecesOf(text).length;

/** Role headers and the like, about what the chat templates of Llama add to each turn. */
const TOKENS_A_TURN = 4;

export const countTurns = (turns: readonly { readonly text: string }[]): number =>
  turns.reduce((sum, turn) => sum + countTokens(turn.text) + TOKENS_A_TURN, 1);
