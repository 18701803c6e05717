import { parse } from '../json.ts';
import { errand } from './errands.ts';
import { lesson } from './guide.ts';
import { estimate, type Piece, type Split } from './pieces.ts';
import { sampleOf } from './samples.ts';
import { instanceOf } from './schema.ts';
import { toolUses } from './tools.ts';
import type { Ask, Reply, Turn } from './types.ts';

export { countTokens, countTurns, estimate, type Piece, type Split } from './pieces.ts';
export { readPrompt } from './prompt.ts';
export { type Ask, PLAIN, type Reply, type Tool, type Turn } from './types.ts';

const clip = (text: string, length: number): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
};

/** For whatever is not known by heart: words of the question and of the system prompt, so that a test can see them arrive. */
function plumbing(question: string, turns: readonly Turn[]): string {
  const system = turns
    .filter((turn) => turn.role === 'system')
    .map((turn) => turn.text)
    .join(' ');
  const told = system ? ` I keep to what I was told: "${clip(system, 120)}".` : '';
  return `You asked: "${clip(question, 200)}".${told} This is the sandbox's answer; a real model would go on from here.`;
}

const hasJson = (text: string): boolean => typeof parse(text) === 'object';

/** The whole answer, before limits cut it. */
function answerOf(ask: Ask): string {
  const { turns } = ask;
  const last = turns.at(-1);
  if (last?.role === 'tool') return `According to ${last.tool ?? 'the tool'}: ${clip(last.text, 400)}`;
  const at = turns.findLastIndex((turn) => turn.role === 'user');
  const question = turns[at]?.text ?? '';
  const known = lesson({ question, before: turns.slice(0, Math.max(at, 0)) });
  const said =
    known?.[known.length > 1 ? sampleOf(ask, question) % known.length : 0] ??
    errand(question) ??
    plumbing(question, turns);
  if (ask.format === undefined || hasJson(said)) return said;
  return JSON.stringify(ask.format === 'object' ? { answer: said } : instanceOf(ask.format, question));
}

/** What is left to say after what was said already; everything, if that was no start of it. */
function goOn(whole: string, begun: string): string {
  if (begun === '') return whole;
  const start = [begun, begun.trimStart(), begun.trimEnd(), begun.trim()].find((one) => whole.startsWith(one));
  if (start === undefined) return whole;
  return whole.slice(start.length);
}

function cutAtStop(text: string, stop: readonly string[]): { text: string; stopped: boolean } {
  const at = stop.map((one) => (one === '' ? -1 : text.indexOf(one))).filter((index) => index >= 0);
  return at.length > 0 ? { text: text.slice(0, Math.min(...at)), stopped: true } : { text, stopped: false };
}

const tokensIn = (pieces: readonly Piece[]): number => pieces.reduce((sum, { tokens }) => sum + tokens, 0);

interface Cut {
  readonly pieces: readonly string[];
  readonly tokens: number;
  /** Something was left out. */
  readonly cut: boolean;
}

/** As many pieces as there is room for. Of a piece of several tokens that is cut, what there is of it was produced too. */
function within(pieces: readonly Piece[], room: number): Cut {
  let tokens = 0;
  const kept: string[] = [];
  for (const piece of pieces) {
    if (tokens + piece.tokens > room) return { pieces: kept, tokens: room, cut: true };
    tokens += piece.tokens;
    kept.push(piece.text);
  }
  return { pieces: kept, tokens, cut: false };
}

/** The answer to anything, the same for the same question on every wire and in every form. */
export function think(ask: Ask, split: Split = estimate): Reply {
  const last = ask.turns.at(-1);
  const limit = ask.maxTokens ?? Number.POSITIVE_INFINITY;
  const thought = ask.reasons ? `The user says "${clip(last?.text ?? '', 80)}". I answer briefly.` : '';
  const thinking = within(split(thought), limit);
  const reasoning = thinking.pieces;
  if (thinking.cut) {
    return { pieces: [], reasoning, toolUses: [], finish: 'length', completionTokens: thinking.tokens };
  }
  const room = limit - thinking.tokens;
  const uses = last?.role === 'user' ? toolUses(ask, last.text) : [];
  if (uses.length > 0) {
    const tokens = uses.reduce((sum, use) => sum + tokensIn(split(use.name)) + tokensIn(split(use.input)), 0);
    // Half a call is none.
    if (tokens > room) return { pieces: [], reasoning, toolUses: [], finish: 'length', completionTokens: limit };
    return { pieces: [], reasoning, toolUses: uses, finish: 'tools', completionTokens: tokens + thinking.tokens };
  }
  const { text, stopped } = cutAtStop(goOn(answerOf(ask), ask.begun), ask.stop);
  const { pieces, tokens, cut } = within(split(text), room);
  const said = { pieces, reasoning, toolUses: [] };
  if (stopped && !cut) return { ...said, finish: 'stop', completionTokens: tokens + thinking.tokens };
  // The token that ends an answer is billed, and needs room, like any other.
  const ends = tokens < room;
  const completionTokens = tokens + thinking.tokens + (ends ? 1 : 0);
  return { ...said, finish: ends ? 'end' : 'length', completionTokens };
}
