import { object, parse } from '../json.ts';
import { errand, exactly } from './errands.ts';
import { recalled } from './facts.ts';
import { formatOf, formatted } from './format.ts';
import { lesson } from './guide.ts';
import { estimate, type Piece, type Split } from './pieces.ts';
import { sampleOf } from './samples.ts';
import { scene, withoutReminders } from './scenes.ts';
import { toolUses, unfilled } from './tools.ts';
import type { Ask, Reply, Turn } from './types.ts';

export { countTokens, countTurns, estimate, type Piece, type Split } from './pieces.ts';
export { readPrompt } from './prompt.ts';
export { type Ask, PLAIN, type Reply, type Tool, type Turn } from './types.ts';

const clip = (text: string, length: number): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
};

/** A text quoted so that no agent takes it for a call or a file of the model's: some read those from the answer's text. */
const quote = (text: string, length: number): string => unmarked(clip(text, length));

const unmarked = (text: string): string =>
  text.replace(/[<>`]|\*{3}/g, (mark) => ({ '<': '‹', '>': '›', '***': '*' })[mark] ?? "'");

/** The system prompts of agents that read their tools' calls from the answer's text: Cline's tags, Aider's blocks, patches. */
const CALLS_IN_TEXT =
  /<\/?[a-z]+(?:_[a-z]+)+>|<(?:tool|invoke|function)\b|SEARCH\/REPLACE|<{5,} SEARCH|\*{3} Begin Patch|\*SEARCH/;

/** For whatever is not known by heart: words of the question and of the system prompt, so that a test can see them arrive. */
function plumbing(ask: Ask, question: string): string {
  const system = ask.turns
    .filter((turn) => turn.role === 'system')
    .map((turn) => turn.text)
    .join(' ');
  const told = system ? ` I keep to what I was told: "${quote(system, 120)}".` : '';
  const why = unfilled(ask, question);
  return `You asked: "${quote(question, 200)}".${told} ${why ? `${why} ` : ''}This is the sandbox's answer; a real model would go on from here.`;
}

const hasJson = (text: string): boolean => typeof parse(text) === 'object';

const BARE =
  /\b(?:only|just|exactly|nothing but) (?:with )?(?:the |its |that )?(?:final |raw |exact )?(?:number|result|answer|value|output|text)\b/i;

/** A result in JSON with one value is that value. */
function bare(result: string): string {
  const values = Object.values(object(parse(result)));
  return values.length === 1 && ['number', 'string', 'boolean'].includes(typeof values[0]) ? String(values[0]) : result;
}

/** What the tools said, each by its name. */
function reported(results: readonly Turn[], question: string): string {
  if (BARE.test(question)) return results.map(({ text }) => bare(text)).join(', ');
  return results.map(({ tool, text }) => `According to ${tool ?? 'the tool'}: ${clip(text, 400)}`).join('\n');
}

/** What a user says, without reminders; all of it where nothing else is there. */
const saidBy = (text: string): string => withoutReminders(text) || text;

/** The conversation without what the system says after it: some harnesses remind the model behind each turn. */
function spoken(turns: readonly Turn[]): readonly Turn[] {
  const end = turns.findLastIndex(({ role }) => role !== 'system');
  return turns.slice(0, end + 1);
}

/** The whole answer, before limits cut it. */
function answerOf(ask: Ask): string {
  const turns = spoken(ask.turns);
  const at = turns.findLastIndex((turn) => turn.role === 'user');
  const question = saidBy(turns[at]?.text ?? '');
  const results = turns.slice(turns.findLastIndex(({ role }) => role !== 'tool') + 1);
  const before = ask.turns.filter((turn, i) => i < at || turn.role === 'system');
  const known = results.length > 0 ? [reported(results, question)] : lesson({ question, before });
  const said =
    known?.[known.length > 1 ? sampleOf(ask, question) % known.length : 0] ??
    recalled(question, before) ??
    errand(question);
  const format = formatOf(ask, question);
  const read = ask.turns.some(({ role, text }) => role === 'system' && CALLS_IN_TEXT.test(text));
  const plain =
    (read && said !== undefined ? unmarked(said) : said) ??
    errandOfSystem(ask) ??
    (format?.kind === 'schema' ? 'example' : plumbing(ask, question));
  if (said !== undefined && hasJson(said)) return plain;
  // What is known by heart has the form that its question asks for.
  return format && (ask.format !== undefined || said === undefined)
    ? formatted(format, question, plain, ask.maxTokens)
    : plain;
}

/** "Always reply with exactly OK." */
const errandOfSystem = ({ turns }: Ask): string | undefined => {
  const system = turns.find(({ role }) => role === 'system')?.text;
  return system !== undefined && system.length < 400 ? exactly(system) : undefined;
};

/** What is left to say after what was said already; everything, if that was no start of it. */
function goOn(whole: string, begun: string): string {
  if (begun === '') return whole;
  const start = [begun, begun.trimStart(), begun.trimEnd(), begun.trim()].find((one) => whole.startsWith(one));
  if (start === undefined) return whole;
  return whole.slice(start.length);
}

function cutAtStop(text: string, stop: readonly string[]): { readonly text: string; readonly stoppedBy?: string } {
  const found = stop.filter((one) => one !== '' && text.includes(one));
  const [first] = found.sort((a, b) => text.indexOf(a) - text.indexOf(b));
  return first === undefined ? { text } : { text: text.slice(0, text.indexOf(first)), stoppedBy: first };
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
  const last = spoken(ask.turns).at(-1);
  const limit = ask.maxTokens ?? Number.POSITIVE_INFINITY;
  const thought = ask.reasons ? `The user says "${clip(last?.text ?? '', 80)}". I answer briefly.` : '';
  const thinking = within(split(thought), limit);
  const reasoning = thinking.pieces;
  if (thinking.cut) {
    return { pieces: [], reasoning, toolUses: [], finish: 'length', completionTokens: thinking.tokens };
  }
  const room = limit - thinking.tokens;
  const played = scene(ask);
  const uses =
    typeof played === 'object' ? [played] : last?.role === 'user' && !played ? toolUses(ask, saidBy(last.text)) : [];
  if (uses.length > 0) {
    const tokens = uses.reduce((sum, use) => sum + tokensIn(split(use.name)) + tokensIn(split(use.input)), 0);
    // Half a call is none.
    if (tokens > room) return { pieces: [], reasoning, toolUses: [], finish: 'length', completionTokens: limit };
    return { pieces: [], reasoning, toolUses: uses, finish: 'tools', completionTokens: tokens + thinking.tokens };
  }
  const { text, stoppedBy } = cutAtStop(goOn(typeof played === 'string' ? played : answerOf(ask), ask.begun), ask.stop);
  const { pieces, tokens, cut } = within(split(text), room);
  const said = { pieces, reasoning, toolUses: [] };
  if (stoppedBy !== undefined && !cut)
    return { ...said, finish: 'stop', stoppedBy, completionTokens: tokens + thinking.tokens };
  // The token that ends an answer is billed, and needs room, like any other.
  const ends = tokens < room;
  const completionTokens = tokens + thinking.tokens + (ends ? 1 : 0);
  return { ...said, finish: ends ? 'end' : 'length', completionTokens };
}
