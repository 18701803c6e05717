import { type Message, type Tool, textOf } from '../core/index.ts';
import {
  beginOf,
  bosAdded,
  type Counted,
  type PromptCounter,
  type PromptPart,
  partsOf,
  promptAtMost,
  type Segment,
  type Tokenizer,
  writtenOut,
} from '../tokens/index.ts';
import { type Correction, predictedBill } from './health.ts';
import { type ModelOffer, traitsOf } from './model-offers.ts';
import type { RequestForm } from './request-form.ts';
import type { PromptSize } from './types.ts';

/**
 * How many tokens a call's prompts have at an offer. The count is exact where we have the model's tokenizer and know
 * the template, otherwise an estimate with an upper bound. Where nothing depends on it, counting waits until somebody
 * reads it.
 */

/** Begin-of-sequence tokens that the server adds to each raw prompt, and the model reads. */
function addedBos(form: RequestForm, offer: ModelOffer): (at: number) => number {
  if (form.form === 'messages') return () => 0;
  const adds = traitsOf(offer, form.api)?.addsBos;
  return (at) => {
    const prompt = form.prompts[at] ?? '';
    // Token ids are taken as they are.
    return typeof prompt === 'string' ? bosAdded(adds, offer.family, prompt) : 0;
  };
}

/** Whether a chat has what no tokenizer counts. */
const hasUncounted = (messages: readonly Message[]): boolean =>
  messages.some(({ content }) => typeof content !== 'string' && content.some((part) => part.type !== 'text'));

function countsOf(form: RequestForm, { family }: ModelOffer, counter: PromptCounter): readonly Counted[] {
  if (form.form === 'messages') {
    const { messages, tools } = form.chat;
    const text = hasUncounted(messages) ? undefined : form.rendered();
    if (text === undefined) return [counter.roughly(family, messages, tools)];
    return ['segments' in text ? counter.segments(family, text.segments) : counter.text(family, text.parsed)];
  }
  if (form.segments) return form.segments.map((one) => counter.segments(family, one));
  return form.prompts.map((prompt) =>
    typeof prompt === 'string' ? counter.text(family, prompt) : { tokens: prompt.length, exactness: 'exact' },
  );
}

/**
 * The tokens that `promptSize` counts, with their texts, prompt by prompt. Undefined where the count is an estimate, and
 * for prompts of token ids.
 */
export function promptParts(
  form: RequestForm,
  offer: ModelOffer,
  tokenizer: Tokenizer,
): readonly (readonly PromptPart[])[] | undefined {
  if (tokenizer.exactness !== 'exact') return undefined;
  const all: (readonly PromptPart[])[] = [];
  if (form.form === 'messages') {
    const text = hasUncounted(form.chat.messages) ? undefined : form.rendered();
    const parts = text && partsOf(tokenizer, 'segments' in text ? text.segments : [text]);
    return parts && [parts];
  }
  const addedTo = addedBos(form, offer);
  for (const [at, prompt] of form.prompts.entries()) {
    const before = addedTo(at) > 0 ? [{ special: beginOf(offer.family) }] : [];
    const own = form.segments?.[at] ?? (typeof prompt === 'string' ? [{ parsed: prompt }] : undefined);
    const parts = own && partsOf(tokenizer, [...before, ...own]);
    if (!parts) return undefined;
    all.push(parts);
  }
  return all;
}

/** What an offer's bills have taught about prompts like this one. Asked only for estimates. */
export interface LearnedFromBills {
  /** Tokens of the smallest prompt of its kind. */
  readonly smallest?: () => number | undefined;
  readonly correction?: () => Correction | undefined;
}

/** Counts the call's prompts as the model at an offer reads them. */
export function promptSize(
  form: RequestForm,
  offer: ModelOffer,
  counter: PromptCounter,
  learned: LearnedFromBills = {},
): PromptSize {
  const addedTo = addedBos(form, offer);
  let largest = 0;
  let total = 0;
  let errorBound = 0;
  let exact = true;
  let more = false;
  for (const [at, one] of countsOf(form, offer, counter).entries()) {
    const tokens = one.tokens + addedTo(at);
    largest = Math.max(largest, tokens);
    total += tokens;
    errorBound = Math.max(errorBound, one.errorBound ?? 0);
    exact &&= one.exactness === 'exact';
    more ||= one.more === true;
  }
  // A count that stopped at its limit is no count, so it needs an upper bound as well.
  const most = exact && !more ? undefined : mostTokens(form, offer.contextLength, learned.smallest?.());
  const whole = !exact && !more && !(form.form === 'messages' && hasUncounted(form.chat.messages));
  const size: PromptSize = {
    largest,
    total,
    exactness: exact ? 'exact' : 'estimate',
    ...(exact ? {} : { errorBound }),
    ...(whole ? { counted: total } : {}),
    ...(most === undefined ? {} : { atMost: Math.max(total, most) }),
    ...(more ? { more: true } : {}),
  };
  return whole ? asBilled(size, learned.correction?.(), form.form === 'messages' ? 1 : form.prompts.length) : size;
}

/**
 * Corrects an estimate by the offer's bills. It remains an estimate and never exceeds the upper bound `atMost`. A
 * prompt of another size than those billed keeps its error bound.
 *
 * @param prompts how many prompts `total` covers
 */
export function asBilled(size: PromptSize, correction: Correction | undefined, prompts: number): PromptSize {
  const { total, largest, atMost = Number.POSITIVE_INFINITY, counted, errorBound = 0 } = size;
  if (correction === undefined || counted === undefined) return size;
  const { from, to } = correction;
  const known = from <= largest && largest <= to;
  return {
    ...size,
    total: Math.min(atMost, Math.round(predictedBill(correction, total, prompts))),
    largest: Math.min(atMost, Math.round(predictedBill(correction, largest))),
    errorBound: known ? correction.errorBound : Math.max(errorBound, correction.errorBound),
  };
}

/** An exact count that is made when it is first read. */
class UncountedPrompt implements PromptSize {
  readonly exactness = 'exact';
  readonly uncountedBound: number;
  readonly #count: () => PromptSize;
  #size: PromptSize | undefined;

  constructor(bound: number, count: () => PromptSize) {
    this.uncountedBound = bound;
    this.#count = count;
  }

  get largest(): number {
    this.#size ??= this.#count();
    return this.#size.largest;
  }

  get total(): number {
    this.#size ??= this.#count();
    return this.#size.total;
  }
}

/** The prompts of a form that is sure to be counted exactly, counted when that is first read. */
export const uncountedPrompt = (
  form: RequestForm,
  offer: ModelOffer,
  counter: () => PromptCounter,
  bound: number,
): PromptSize => new UncountedPrompt(bound, () => promptSize(form, offer, counter()));

/**
 * The most tokens of the largest prompt, without counting or rendering. Undefined for a form that may not be counted
 * exactly, even with the model's own tokenizer. A bound above `enough` is worked out again, more closely.
 */
export function promptBound(form: RequestForm, offer: ModelOffer, enough: number): number | undefined {
  const most = boundOf(form, offer, 0);
  return most === undefined || most <= enough ? most : boundOf(form, offer, most - enough);
}

function boundOf(form: RequestForm, { family }: ModelOffer, saving: number): number | undefined {
  if (form.form === 'messages') return form.tokensAtMost(saving);
  let most = 0;
  for (const [at, prompt] of form.prompts.entries()) {
    const segments = form.segments?.[at];
    const tokens = segments
      ? promptAtMost.segments(family, segments, saving)
      : typeof prompt === 'string'
        ? promptAtMost.text(family, prompt, saving)
        : prompt.length;
    if (tokens > most) most = tokens;
  }
  return most + SERVER_BOS;
}

/** A server may add one begin-of-sequence. */
const SERVER_BOS = 1;

/**
 * The most that all prompts can be billed as; undefined if unknown.
 *
 * @param beside tokens the provider may add to describe a JSON Schema to the model
 */
export const mostBilled = ({ total, exactness, more, atMost }: PromptSize, beside = 0): number | undefined => {
  const most = exactness === 'exact' && !more ? total : atMost;
  return most === undefined ? undefined : most + beside;
};

/** The largest prompt with the error of an estimate added: to see what room is left beside it. */
export const longest = ({ largest, errorBound = 0 }: PromptSize): number => Math.ceil(largest * (1 + errorBound));

/** The largest prompt with the error of an estimate taken off: to be sure before refusing it. */
export const fewest = ({ largest, errorBound = 0 }: PromptSize): number => Math.floor(largest * (1 - errorBound));

/** Tokens of the largest prompt beyond a threshold. An uncounted prompt is only counted if it may exceed it. */
export const tokensBeyond = (prompt: PromptSize, threshold: number): number =>
  prompt.uncountedBound !== undefined && prompt.uncountedBound <= threshold
    ? 0
    : Math.max(0, prompt.largest - threshold);

// Upper bounds for a vocabulary or a template that nobody here knows. Every token stands for at least one byte of the
// text, whatever the vocabulary: byte-level BPE and SentencePiece's byte fallback make at most one token of each
// byte.

const encoder = new TextEncoder();

/** SentencePiece's leading space, and the begin and end of sequence that a server adds. */
const AROUND_A_TEXT = 3;
/** Role markers and line ends around a message, a call or a tool. All known templates have fewer. */
const AROUND_A_PART = 24;
/**
 * What an unknown template may say by itself: a default system prompt, an introduction of tools. The longest known ones
 * (Devstral's and Command R's, in their repositories' `chat_template`) are about half of it.
 */
const ADDED_BY_UNKNOWN_TEMPLATE = 4096;
/** Some tokenizers normalise a text to NFKC, which can make it longer. ASCII stays the same. */
function bytes(text: string): number {
  const plain = encoder.encode(text).length;
  return plain === text.length ? plain : Math.max(plain, encoder.encode(text.normalize('NFKC')).length);
}

/** Bounds of rendered prompts, which all offers of a family share. */
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

/**
 * Line ends and spaces of the value as indented JSON, four spaces a level. Computed, because they can be most of the
 * text.
 */
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

/** Templates write a tool's definition as indented JSON, or in tags that repeat the names. */
const ofTool = (tool: Tool): number => 2 * (bytes(JSON.stringify(tool)) + indentation(tool)) + AROUND_A_PART;

function ofMessage(message: Message): number {
  let most = bytes(textOf(message.content)) + AROUND_A_PART;
  if ('name' in message && message.name !== undefined) most += bytes(message.name);
  if (message.role === 'tool') most += bytes(message.toolCallId);
  if (message.role !== 'assistant') return most;
  if (message.reasoning !== undefined) most += bytes(message.reasoning) + AROUND_A_PART;
  for (const { id, name, arguments: json } of message.toolCalls ?? []) {
    // Some templates parse the arguments and write them in their own way.
    most += bytes(id) + 2 * (bytes(name) + bytes(json)) + AROUND_A_PART;
  }
  return most;
}

const ofMessages = (messages: readonly Message[]): number =>
  once(messages, () => messages.reduce((most, message) => most + ofMessage(message), AROUND_A_TEXT));

/** What an API may add to a prompt to describe a JSON Schema to the model. Undocumented. */
const ADDED_TO_A_SCHEMA = 512;

/** The most tokens that enforcing schemas, given as JSON, may add to a prompt. */
export const mostForSchemas = (json: string): number => bytes(json) + ADDED_TO_A_SCHEMA;

/**
 * The most tokens that a call's prompts can be billed as; undefined for an image in a context of unknown length.
 *
 * @param smallest tokens of the smallest prompt of its kind the offer has billed lately: its template adds no more
 */
export function mostTokens(
  form: RequestForm,
  contextLength: number | undefined,
  smallest: number | undefined,
): number | undefined {
  const within = (tokens: number): number => Math.min(tokens, contextLength ?? Number.POSITIVE_INFINITY);
  if (form.form === 'prompts') {
    const all = form.segments
      ? form.segments.map(ofSegments)
      : form.prompts.map((prompt) => (typeof prompt === 'string' ? bytes(prompt) : prompt.length) + AROUND_A_TEXT);
    return all.reduce((sum, one) => sum + within(one), 0);
  }
  const { messages, tools } = form.chat;
  if (hasUncounted(messages)) return contextLength;
  const text = form.rendered();
  if (text) return within('segments' in text ? ofSegments(text.segments) : bytes(text.parsed) + AROUND_A_TEXT);
  const ofTools = tools.reduce((most, tool) => most + ofTool(tool), 0);
  const added = Math.min(ADDED_BY_UNKNOWN_TEMPLATE, smallest ?? ADDED_BY_UNKNOWN_TEMPLATE);
  return within(ofMessages(messages) + ofTools + added);
}
