/**
 * What an isolate has seen of its offers: speed, failures in a row (the breaker), token counts against ours, and what
 * each refused. It learns by itself and forgets when the isolate ends.
 */
import { type ErrorCode, type GatewayError, promptTokens, type Usage } from '../core/index.ts';
import {
  BILLS_KEPT,
  type Bill,
  type Breaker,
  type Candidate,
  type Correction,
  cacheReadOf,
  correctionFrom,
  type Health,
  type Observed,
  promptKind,
} from '../offers/index.ts';

/** Failures in a row after which an offer is tried last. */
const FAILURES = 5;
/** Milliseconds until an offer that kept failing is tried as before. */
const OPEN_MS = 30_000;
/** Weight of the newest figure in a moving average. */
const NEWEST = 0.2;
/** Milliseconds for which we remember what an offer refused: regions and models learn to accept it. */
const BELIEVED_MS = 3_600_000;
/**
 * Milliseconds for which a provider's cache is taken to keep a prompt: OpenRouter's figure, and most providers'
 * least.
 */
const CACHED_MS = 600_000;
/** Entries kept in each of the maps below. */
const KEPT = 500;

/** Errors that count against the offer, and not against the call. */
const ITS_OWN: ReadonlySet<ErrorCode> = new Set([
  'provider_rate_limited',
  'provider_overloaded',
  'provider_unavailable',
  'provider_error',
  'provider_auth',
  // The upstream does not have the model, or no longer: no call for it will do better.
  'model_not_found',
  'timeout',
  'stream_interrupted',
]);

/** The breaker of an offer: `closed` counts failures in a row, `open` waits. */
type BreakerState =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly until: number };

/** One offer, by the ids that the sheet uses. */
interface OfferIds {
  readonly provider: string;
  readonly service?: string | undefined;
  readonly upstream: string;
}

/** The provider's token counts compared with ours, for prompts that we count exactly. */
export interface Drift extends OfferIds {
  readonly samples: number;
  /** Average tokens by which the provider's count exceeds ours, its known constant subtracted. */
  readonly tokens: number;
  /** The same as a share of the prompt. */
  readonly share: number;
}

/** What one answer shows of an offer. Milliseconds and tokens. */
export interface AnswerStats {
  /** Until the first content, where the answer was streamed. */
  readonly ttftMs?: number;
  /** From the first content (of a streamed answer) or from the request to the end. */
  readonly ms: number;
  /** Of all its choices. */
  readonly outputTokens: number;
  readonly choices: number;
}

/** A correction of our estimates for one offer, learned from its bills. */
export interface LearnedCorrection extends OfferIds {
  /** For prompts with tools, or for those without. */
  readonly tools: boolean;
  readonly bills: number;
  readonly correction: Correction;
}

export interface HealthBook extends Health {
  succeeded(offer: OfferIds & { readonly model: string }, stats: AnswerStats, now: number): void;
  failed(offer: OfferIds, error: GatewayError, now: number): void;
  /** It was asked for several choices in one request, and brought one. */
  ignoredN(offer: OfferIds): void;
  /** The offer has refused to hold an answer to these schemas, or to any. */
  schemasRefused(offer: Candidate, error: GatewayError, now: number): void;
  /** It refused to give a longer answer than this. Tokens. */
  outputLimited(offer: Candidate, limit: number, now: number): void;
  /** The provider has billed one prompt as so many tokens. */
  billed(offer: Candidate, promptTokens: number): void;
  /** An answer to one prompt is complete: what the offer's cache has of the conversation now. */
  cached(offer: Candidate, usage: Usage, now: number): void;
  /** @param counted our own exact count, with the constant that this wire is known to add */
  reported(offer: OfferIds, reported: number, counted: number): void;
  /** Every correction that was learned. */
  corrections(): readonly LearnedCorrection[];
  drifts(): readonly Drift[];
  /** Every offer that was asked, with its breaker. */
  breakers(now: number): readonly (OfferIds & { readonly breaker: Breaker; readonly observed?: Observed })[];
}

const moved = (average: number | undefined, value: number): number =>
  average === undefined ? value : average + NEWEST * (value - average);

const keyOf = ({ provider, service = '', upstream }: OfferIds): string => `${provider} ${service} ${upstream}`;
const keyFor = (offer: OfferIds, what: string): string => `${keyOf(offer)} ${what}`;

const idsOf = ({ provider, service, upstream }: OfferIds): OfferIds => ({
  provider,
  ...(service === undefined ? {} : { service }),
  upstream,
});

/** Keeps the newest entries of a map. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= KEPT) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

const CLOSED: BreakerState = { kind: 'closed', failures: 0 };

function breakerOf(state: BreakerState | undefined, now: number): Breaker {
  if (state?.kind !== 'open') return 'closed';
  return now < state.until ? 'open' : 'half_open';
}

/** Stands for every schema. */
const ANY = '*';

const hasTools = ({ sends }: Candidate): boolean => sends.form === 'messages' && sends.tools.length > 0;

/** Fields at fault that fit a refusal of a schema. A refusal that names another field is about that field. */
const ABOUT_SCHEMAS: ReadonlySet<string | undefined> = new Set(['response_format', 'tools', undefined]);

/**
 * Whether an error is the offer's refusal to hold the answer to a schema, so that the same offer may serve the call
 * without it. Providers do not document how they refuse: any 400 that is not about something else counts.
 */
export const isSchemaRefusal = ({ structured }: Candidate, { code, details }: GatewayError): boolean =>
  structured &&
  (code === 'unsupported_parameter' || code === 'invalid_request') &&
  details.upstreamStatus === 400 &&
  ABOUT_SCHEMAS.has(details.param);

export function healthBook(): HealthBook {
  const states = new Map<string, BreakerState & { readonly ids: OfferIds }>();
  const seen = new Map<string, Observed>();
  const lengths = new Map<string, number>();
  const drifts = new Map<string, Drift>();
  const withoutN = new Map<string, true>();
  const refused = new Map<string, number>();
  const outputs = new Map<string, { readonly tokens: number; readonly until: number }>();
  /** Tokens of the newest prompts, by kind. The newest only, because a server may be given another template. */
  const smallest = new Map<string, readonly number[]>();
  const bills = new Map<
    string,
    Omit<LearnedCorrection, 'bills' | 'correction'> & {
      readonly newest: readonly Bill[];
      readonly correction: Correction | undefined;
    }
  >();
  /** Tokens of a conversation's newest prompt at an offer, where cached tokens have a price. */
  const prompts = new Map<string, { readonly tokens: number; readonly at: number }>();
  const promptOf = (key: string, now: number): number | undefined => {
    const last = prompts.get(key);
    return last && now - last.at < CACHED_MS ? last.tokens : undefined;
  };
  const believes = (key: string, now: number): boolean => now < (refused.get(key) ?? Number.NEGATIVE_INFINITY);

  return {
    observed: (provider, upstream, service) => seen.get(keyOf({ provider, service, upstream })),
    breaker: (provider, upstream, now, service) => breakerOf(states.get(keyOf({ provider, service, upstream })), now),
    completionTokens: (model) => lengths.get(model),
    ignoresN: (provider, upstream, service) => withoutN.has(keyOf({ provider, service, upstream })),
    refusesSchemas: (provider, upstream, schemas, now, service) =>
      [ANY, schemas].some((which) => believes(keyFor({ provider, service, upstream }, which), now)),
    outputLimit(provider, upstream, api, now, service) {
      if (outputs.size === 0) return undefined;
      const known = outputs.get(keyFor({ provider, service, upstream }, api));
      return known && now < known.until ? known.tokens : undefined;
    },
    smallestPrompt(provider, upstream, kind, service) {
      const newest = smallest.get(keyFor({ provider, service, upstream }, kind));
      return newest && Math.min(...newest);
    },
    cachedTokens: (conversation, provider, upstream, now, service) =>
      promptOf(keyFor({ provider, service, upstream }, String(conversation)), now) ?? 0,
    correction: (provider, upstream, tools, service) =>
      bills.get(keyFor({ provider, service, upstream }, String(tools)))?.correction,

    succeeded(offer, { ttftMs, ms, outputTokens, choices }, now) {
      const key = keyOf(offer);
      keep(states, key, { ...CLOSED, ids: idsOf(offer) });
      const before = seen.get(key);
      const speed = ms > 0 && outputTokens > 0 ? outputTokens / (ms / 1000) : undefined;
      const first = ttftMs === undefined ? before?.ttftMs : moved(before?.ttftMs, ttftMs);
      const rate = speed === undefined ? before?.tokensPerSecond : moved(before?.tokensPerSecond, speed);
      keep(seen, key, {
        ...(first === undefined ? {} : { ttftMs: first }),
        ...(rate === undefined ? {} : { tokensPerSecond: rate }),
        samples: (before?.samples ?? 0) + 1,
        at: now,
      });
      if (choices > 0) keep(lengths, offer.model, moved(lengths.get(offer.model), outputTokens / choices));
    },
    failed(offer, error, now) {
      if (!ITS_OWN.has(error.code)) return;
      const key = keyOf(offer);
      const before = states.get(key) ?? CLOSED;
      const ids = idsOf(offer);
      // An offer that was open was tried again for the first time: one failure is enough.
      const failures = before.kind === 'open' ? FAILURES : before.failures + 1;
      keep(
        states,
        key,
        failures >= FAILURES ? { kind: 'open', until: now + OPEN_MS, ids } : { kind: 'closed', failures, ids },
      );
    },
    ignoredN: (offer) => keep(withoutN, keyOf(offer), true),
    schemasRefused(offer, { code, details }, now) {
      // A model that does not know the field refuses every schema. Any other error may be about this schema alone.
      const all = code === 'unsupported_parameter' && details.param !== undefined;
      keep(refused, keyFor(offer, all ? ANY : (offer.schemas ?? ANY)), now + BELIEVED_MS);
    },
    outputLimited(offer, tokens, now) {
      keep(outputs, keyFor(offer, offer.api), { tokens, until: now + BELIEVED_MS });
    },
    billed(offer, promptTokens) {
      if (!(promptTokens > 0)) return;
      // A raw prompt contains nothing of a template.
      if (offer.sends.form === 'messages') {
        const kind = keyFor(offer, promptKind(offer.sends));
        keep(smallest, kind, [...(smallest.get(kind) ?? []), promptTokens].slice(-BILLS_KEPT));
      }
      const tools = hasTools(offer);
      const key = keyFor(offer, String(tools));
      const { counted } = offer.prompt;
      const billed = promptTokens - offer.reportsExtra;
      if (counted === undefined || counted <= 0 || billed <= 0) return;
      const newest = [...(bills.get(key)?.newest ?? []), { counted, billed }].slice(-BILLS_KEPT);
      const { provider, service, upstream } = offer;
      keep(bills, key, { provider, service, upstream, tools, newest, correction: correctionFrom(newest) });
    },
    cached(offer, usage, now) {
      if (cacheReadOf(offer.priced) === undefined || !offer.conversation) return;
      const key = keyFor(offer, String(offer.conversation()));
      // It was asked again, and says that it had nothing in its cache.
      const none = usage.cacheTold && usage.cacheRead === 0 && promptOf(key, now) !== undefined;
      keep(prompts, key, { tokens: none ? 0 : promptTokens(usage), at: now });
    },
    reported(offer, reported, counted) {
      if (counted <= 0) return;
      const key = keyOf(offer);
      const before = drifts.get(key);
      const tokens = reported - counted;
      keep(drifts, key, {
        ...idsOf(offer),
        samples: (before?.samples ?? 0) + 1,
        tokens: moved(before?.tokens, tokens),
        share: moved(before?.share, tokens / counted),
      });
    },

    corrections: () =>
      [...bills.values()].flatMap(({ newest, correction, ...of }) =>
        correction === undefined ? [] : [{ ...of, bills: newest.length, correction }],
      ),
    drifts: () => [...drifts.values()],
    breakers: (now) =>
      [...states.values()].map(({ ids, ...state }) => {
        const observed = seen.get(keyOf(ids));
        return { ...ids, breaker: breakerOf(state, now), ...(observed ? { observed } : {}) };
      }),
  };
}
