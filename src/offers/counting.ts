import { type Message, type Tool, textOf } from '../core/index.ts';
import { bosAdded, type Counted, type PromptCounter, type Segment, writtenOut } from '../tokens/index.ts';
import { asBilled } from './bills.ts';
import type { Correction } from './health.ts';
import { hasImages } from './renderings.ts';
import type { Way } from './request-form.ts';
import type { Facts } from './sources.ts';
import type { PromptSize } from './types.ts';

/** What a server adds in front of each raw prompt, and the model reads. */
function added(way: Way, { family, traits }: Facts): (at: number) => number {
  if (way.form === 'messages') return () => 0;
  const adds = traits(way.api)?.addsBos;
  return (at) => {
    const prompt = way.prompts[at] ?? '';
    // Token ids are taken as they are.
    return typeof prompt === 'string' ? bosAdded(adds, family, prompt) : 0;
  };
}

function countsOf(way: Way, facts: Facts, counter: PromptCounter): readonly Counted[] {
  const { family } = facts;
  if (way.form === 'messages') {
    const images = hasImages(way.messages);
    if (way.segments && !images) return [counter.segments(family, way.segments)];
    if (way.parsed !== undefined && !images) return [counter.text(family, way.parsed)];
    return [counter.roughly(family, way.messages, way.tools)];
  }
  if (way.segments) return way.segments.map((one) => counter.segments(family, one));
  return way.prompts.map((prompt) =>
    typeof prompt === 'string' ? counter.text(family, prompt) : { tokens: prompt.length, exactness: 'exact' },
  );
}

/** What an offer's bills have shown of prompts like this call's. Asked for where a prompt is estimated: most are counted. */
export interface Shown {
  /** Tokens of the smallest prompt. */
  readonly smallest?: () => number | undefined;
  readonly correction?: () => Correction | undefined;
}

/** What the call's prompts come to at an offer: each as the model there reads it, once. */
export function measure(way: Way, facts: Facts, counter: PromptCounter, shown: Shown = {}): PromptSize {
  const addedTo = added(way, facts);
  let largest = 0;
  let total = 0;
  let errorBound = 0;
  let exact = true;
  let more = false;
  for (const [at, one] of countsOf(way, facts, counter).entries()) {
    const tokens = one.tokens + addedTo(at);
    largest = Math.max(largest, tokens);
    total += tokens;
    errorBound = Math.max(errorBound, one.errorBound ?? 0);
    exact &&= one.exactness === 'exact';
    more ||= one.more === true;
  }
  // Beyond its limit a count is none.
  const most = exact && !more ? undefined : mostTokens(way, facts.contextLength, shown.smallest?.());
  const whole = !exact && !more && !(way.form === 'messages' && hasImages(way.messages));
  const size: PromptSize = {
    largest,
    total,
    exactness: exact ? 'exact' : 'estimate',
    ...(exact ? {} : { errorBound }),
    ...(whole ? { counted: total } : {}),
    ...(most === undefined ? {} : { atMost: Math.max(total, most) }),
    ...(more ? { more: true } : {}),
  };
  return whole ? asBilled(size, shown.correction?.(), way.form === 'messages' ? 1 : way.prompts.length) : size;
}

/** The most that all prompts can be billed as; undefined where nobody can say. */
export const mostBilled = ({ total, exactness, more, atMost, beside = 0 }: PromptSize): number | undefined => {
  const most = exactness === 'exact' && !more ? total : atMost;
  return most === undefined ? undefined : most + beside;
};

/** The most that the largest prompt is likely to be: what an estimate is worth when it comes to what is left beside it. */
export const longest = ({ largest, errorBound = 0 }: PromptSize): number => Math.ceil(largest * (1 + errorBound));

/** The fewest tokens that the largest prompt can be: what an estimate is worth when it comes to refusing. */
export const fewest = ({ largest, errorBound = 0 }: PromptSize): number => Math.floor(largest * (1 - errorBound));

/**
 * The most tokens that a prompt can be, where it cannot be counted. A token is one byte of its text at least, whatever the
 * vocabulary: byte-level BPE and SentencePiece's byte fallback come to one for each byte, and every other token stands for more.
 */

const encoder = new TextEncoder();

/** A space that SentencePiece puts in front, a begin and an end of sequence that a server adds. */
const AROUND_A_TEXT = 3;
/** What a template puts around a message, a call or a tool: role markers and line ends, of all templates known here fewer than that. */
const AROUND_A_PART = 24;
/**
 * What a template that nobody here knows may say by itself: a default system prompt, an introduction of tools. The longest
 * that are known (Devstral's and Command R's, in their repositories' `chat_template`) are about half of it.
 */
const ADDED = 4096;

/** Some tokenizers read a text in NFKC, which can be longer; what is ASCII is the same. */
function bytes(text: string): number {
  const plain = encoder.encode(text).length;
  return plain === text.length ? plain : Math.max(plain, encoder.encode(text.normalize('NFKC')).length);
}

/** Of rendered prompts, which all offers of a family share. */
const bounds = new WeakMap<object, number>();

function once(key: object, work: () => number): number {
  const known = bounds.get(key);
  if (known !== undefined) return known;
  const bound = work();
  bounds.set(key, bound);
  return bound;
}

const ofSegments = (segments: readonly Segment[]): number =>
  once(segments, () => bytes(writtenOut(segments)) + segments.length + AROUND_A_TEXT);

/** Line ends and spaces that JSON written on several lines has, four to a level; not written, which may be far more than the text. */
function indentation(value: unknown): number {
  let spaces = 0;
  const open: (readonly [unknown, number])[] = [[value, 1]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [one, depth] = next;
    if (typeof one !== 'object' || one === null) continue;
    const members: unknown[] = Array.isArray(one) ? one : Object.values(one);
    // A line for each member, a space after its colon, and a line for the closing bracket.
    spaces += members.length * (4 * depth + 2) + 4 * depth;
    for (const member of members) open.push([member, depth + 1]);
  }
  return spaces;
}

/** Templates write a tool's definition as JSON with line ends and spaces, or in tags that repeat the names. */
const ofTool = (tool: Tool): number => 2 * (bytes(JSON.stringify(tool)) + indentation(tool)) + AROUND_A_PART;

function ofMessage(message: Message): number {
  let most = bytes(textOf(message.content)) + AROUND_A_PART;
  if ('name' in message && message.name !== undefined) most += bytes(message.name);
  if (message.role === 'tool') most += bytes(message.toolCallId);
  if (message.role !== 'assistant') return most;
  if (message.reasoning !== undefined) most += bytes(message.reasoning) + AROUND_A_PART;
  for (const { id, name, arguments: json } of message.toolCalls ?? []) {
    // Some templates parse the arguments and write them again, in their own way.
    most += bytes(id) + 2 * (bytes(name) + bytes(json)) + AROUND_A_PART;
  }
  return most;
}

const ofMessages = (messages: readonly Message[]): number =>
  once(messages, () => messages.reduce((most, message) => most + ofMessage(message), AROUND_A_TEXT));

/** What an API may add to a prompt to tell the model of a schema that it holds the answer to: nobody documents it. */
const ADDED_TO_A_SCHEMA = 512;

/** The most tokens that holding an answer to schemas, given as JSON, may add to a prompt. */
export const mostForSchemas = (json: string): number => bytes(json) + ADDED_TO_A_SCHEMA;

/**
 * The most tokens that a call's prompts can be billed as; undefined where nobody can say: an image in a context of unknown
 * length.
 *
 * @param smallest tokens of the smallest prompt of its kind that the offer has billed lately: its template adds no more
 */
export function mostTokens(
  way: Way,
  contextLength: number | undefined,
  smallest: number | undefined,
): number | undefined {
  const within = (tokens: number): number => Math.min(tokens, contextLength ?? Number.POSITIVE_INFINITY);
  if (way.form === 'prompts') {
    const all = way.segments
      ? way.segments.map(ofSegments)
      : way.prompts.map((prompt) => (typeof prompt === 'string' ? bytes(prompt) : prompt.length) + AROUND_A_TEXT);
    return all.reduce((sum, one) => sum + within(one), 0);
  }
  if (hasImages(way.messages)) return contextLength;
  if (way.segments) return within(ofSegments(way.segments));
  if (way.parsed !== undefined) return within(bytes(way.parsed) + AROUND_A_TEXT);
  const tools = way.tools.reduce((most, tool) => most + ofTool(tool), 0);
  return within(ofMessages(way.messages) + tools + Math.min(ADDED, smallest ?? ADDED));
}
