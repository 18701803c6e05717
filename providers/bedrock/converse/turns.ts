import type { Message, ToolCall } from '../../../src/core/index.ts';
import { isBlank, type Piece, piecesOf, textOnly } from './pieces.ts';

/** A call that an assistant made, and what came of it. */
export interface MadeCall {
  readonly call: ToolCall;
  /** Absent: nobody ever said. */
  result?: readonly Piece[];
}

/** Everything one side said before the other spoke. Turns alternate, and the user's comes first. */
export type Turn =
  | { readonly role: 'user'; readonly pieces: Piece[] }
  | { readonly role: 'assistant'; readonly pieces: Piece[]; readonly calls: MadeCall[] };

export interface Conversation {
  readonly system: readonly string[];
  readonly turns: readonly Turn[];
}

/** Between what one side said in several messages. */
export const PARAGRAPH = '\n\n';

/** Adds what another message says to a turn. */
function add(pieces: Piece[], more: readonly Piece[]): void {
  const last = pieces.at(-1);
  const [first, ...rest] = more;
  if (!first) return;
  if (last && 'text' in last && 'text' in first) {
    pieces[pieces.length - 1] = { text: last.text + PARAGRAPH + first.text };
    pieces.push(...rest);
  } else {
    pieces.push(...more);
  }
}

/**
 * Any list of messages as a conversation that Converse takes: neighbours of one role are one turn, a tool's result
 * finds the call it answers, and one that answers none is what the user tells. What the system said, wherever it said
 * so, is apart: Converse has no other place for it.
 * @throws GatewayError for an image that cannot be sent
 */
export function turnsOf(messages: readonly Message[]): Conversation {
  const system: string[] = [];
  const turns: Turn[] = [];
  const user = () => {
    const last = turns.at(-1);
    if (last?.role === 'user') return last;
    const turn = { role: 'user' as const, pieces: [] };
    turns.push(turn);
    return turn;
  };
  const assistant = () => {
    const last = turns.at(-1);
    if (last?.role === 'assistant') return last;
    if (!last) user();
    const turn = { role: 'assistant' as const, pieces: [], calls: [] };
    turns.push(turn);
    return turn;
  };
  /** The call of the turn before the user's that waits for this result. */
  const waiting = (id: string) => {
    const before = turns.at(-2);
    if (before?.role !== 'assistant') return undefined;
    return before.calls.find(({ call, result }) => call.id === id && result === undefined);
  };

  for (const [at, message] of messages.entries()) {
    const param = `messages[${at}].content`;
    switch (message.role) {
      case 'system': {
        const text = textOnly(message, param);
        if (!isBlank(text)) system.push(text);
        break;
      }
      case 'user':
        add(user().pieces, piecesOf(message.content, param));
        break;
      case 'assistant': {
        const text = textOnly(message, param);
        const calls = message.toolCalls ?? [];
        if (isBlank(text) && calls.length === 0) break;
        const turn = assistant();
        if (!isBlank(text)) add(turn.pieces, [{ text }]);
        turn.calls.push(...calls.map((call) => ({ call })));
        break;
      }
      case 'tool': {
        const turn = user();
        const pieces = piecesOf(message.content, param);
        const made = waiting(message.toolCallId);
        if (made) made.result = pieces;
        else add(turn.pieces, pieces);
      }
    }
  }
  if (turns.length === 0) user();
  const last = turns.at(-1);
  // A result that never came has to be told as well, and the user is who tells.
  if (last?.role === 'assistant' && last.calls.length > 0) user();
  return { system, turns };
}
