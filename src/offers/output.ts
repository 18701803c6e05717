import type { Api, Call } from '../core/index.ts';
import { fewest, longest } from './counting.ts';
import { type ModelOffer, traitsOf } from './model-offers.ts';
import { type ExclusionReason, exclude, type OutputLimit, type PromptSize } from './types.ts';

/** How long an answer may get at an offer. */

/**
 * The context assumed for a hosted engine, and for a configured server of a model that takes more, if none is known.
 */
const ASSUMED_CONTEXT = 4096;
/** The context assumed for a configured server of a model that nobody knows. */
const ASSUMED_SERVICE_CONTEXT = 2048;
/** What an answer there gets in any case. */
const LEAST_OUTPUT = 256;

export const grouped = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');

const sizeText = ({ largest, exactness, more }: PromptSize): string =>
  `${more ? 'more than ' : exactness === 'estimate' ? 'about ' : ''}${grouped(largest)} tokens`;

const givenOutput = (offer: ModelOffer, api: Api): number | undefined =>
  offer.maxOutput(api) ?? traitsOf(offer, api)?.maxOutput;

const usableContext = ({ about, contextLength }: ModelOffer): number | undefined =>
  contextLength === undefined ? undefined : contextLength - (about.contextMargin ?? 0);

/**
 * The limit on an answer: what the caller asked for, reduced to what fits after the prompt and to the offer's
 * maximum. If the caller set none, none is sent, except where the API would truncate the answer (`truncates`); then
 * it is the largest that fits. A prompt that leaves no room for one token is refused.
 */
export function outputFor(call: Call, offer: ModelOffer, api: Api, prompt: PromptSize): OutputLimit | ExclusionReason {
  const { contextLength, provider, model } = offer;
  const context = usableContext(offer);
  const least = fewest(prompt);
  if (context !== undefined && (least >= context || (prompt.more && prompt.exactness === 'exact'))) {
    return exclude(
      'context_too_small',
      `${provider} takes ${grouped(contextLength ?? 0)} tokens for ${model}, prompt and answer together, and the prompt alone is ${sizeText(prompt)}.`,
    );
  }
  // An estimate that says the prompt does not fit may be wrong, so the output is only reduced by what is certain.
  const room = context === undefined ? undefined : context - (prompt.largest < context ? prompt.largest : least);
  const ceiling = smaller(room, givenOutput(offer, api));
  const wanted = call.maxTokens;
  if (wanted !== undefined) return limitedTo(wanted, ceiling);
  if (traitsOf(offer, api)?.truncates) {
    const maxTokens = largestThatFits(offer, api, prompt, ceiling);
    return { maxTokens, most: maxTokens, clamped: false };
  }
  return { clamped: false, ...(ceiling === undefined ? {} : { most: ceiling }) };
}

function limitedTo(wanted: number, ceiling: number | undefined): OutputLimit {
  const maxTokens = ceiling === undefined ? wanted : Math.min(wanted, ceiling);
  return { maxTokens, most: maxTokens, clamped: maxTokens < wanted };
}

/**
 * Prompt tokens up to which the limit that is sent does not depend on the prompt, so that it need not be counted.
 * Undefined if it always does.
 */
export function promptWithoutEffect(call: Call, offer: ModelOffer, api: Api): number | undefined {
  const given = givenOutput(offer, api);
  const context = usableContext(offer);
  if (call.maxTokens === undefined && traitsOf(offer, api)?.truncates) {
    if (given === undefined || context === undefined || (api === 'completions' && !offer.contextServed))
      return undefined;
    return context - given;
  }
  if (context === undefined) return Number.POSITIVE_INFINITY;
  // A prompt that leaves no room for one token is refused.
  return context - Math.max(1, Math.min(call.maxTokens ?? 1, given ?? Number.POSITIVE_INFINITY));
}

/** The most that can come back is what fits after the prompt, which is counted when that is first read. */
class UncountedOutput implements OutputLimit {
  readonly clamped = false;
  readonly uncountedLeast: number;
  readonly #most: () => number;

  constructor(least: number, most: () => number) {
    this.uncountedLeast = least;
    this.#most = most;
  }

  get most(): number {
    return this.#most();
  }
}

/** What `outputFor` returns, for an uncounted prompt that is within `promptWithoutEffect`. */
export function outputWithoutCount(call: Call, offer: ModelOffer, api: Api, prompt: PromptSize): OutputLimit {
  const given = givenOutput(offer, api);
  if (call.maxTokens !== undefined) return limitedTo(call.maxTokens, given);
  if (traitsOf(offer, api)?.truncates && given !== undefined) {
    return { maxTokens: given, most: given, clamped: false };
  }
  const context = usableContext(offer);
  if (context === undefined) return { clamped: false, ...(given === undefined ? {} : { most: given }) };
  const room = context - (prompt.uncountedBound ?? prompt.largest);
  if (given !== undefined && given <= room) return { clamped: false, most: given };
  return new UncountedOutput(room, () => Math.min(context - prompt.largest, given ?? Number.POSITIVE_INFINITY));
}

/**
 * The least of a number of output tokens and what can come back. An uncounted prompt is only counted if that decides.
 */
export const withinOutput = (output: OutputLimit, tokens: number): number =>
  output.uncountedLeast !== undefined && tokens <= output.uncountedLeast
    ? tokens
    : Math.min(tokens, output.most ?? Number.POSITIVE_INFINITY);

/** The largest output that certainly fits. The caller did not ask for a limit, so the server must not refuse it. */
function largestThatFits(offer: ModelOffer, api: Api, prompt: PromptSize, ceiling: number | undefined): number {
  const most = longest(prompt);
  if (offer.contextServed || api !== 'completions') {
    const context = offer.contextLength ?? ASSUMED_CONTEXT;
    return Math.max(1, Math.min(ceiling ?? context, context - (offer.about.contextMargin ?? 0) - most));
  }
  const context = offer.contextLength === undefined ? ASSUMED_SERVICE_CONTEXT : ASSUMED_CONTEXT;
  return Math.min(ceiling ?? context, Math.max(LEAST_OUTPUT, context - most));
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
