import type { ErrorCode, GatewayError } from '../core/index.ts';
import type { Breaker, Health, Observed } from '../offers/index.ts';
import { keep, type Learned, learned } from './learned.ts';

/** Failures in a row after which an offer is tried last. */
const FAILURES = 5;
/** Milliseconds until an offer that kept failing is tried as before. */
const OPEN_MS = 30_000;
/** Weight of the newest figure in a moving average. */
const NEWEST = 0.2;

/** Failures that say something of the offer, and not of the call. */
const ITS_OWN: ReadonlySet<ErrorCode> = new Set([
  'provider_rate_limited',
  'provider_overloaded',
  'provider_unavailable',
  'provider_error',
  'provider_auth',
  // An upstream that knows nothing of a model has delisted it, or never had it: no call of it will do better.
  'model_not_found',
  'timeout',
  'stream_interrupted',
]);

/** How an offer stands: failing counts failures in a row, open waits. */
type State = { readonly kind: 'closed'; readonly failures: number } | { readonly kind: 'open'; readonly until: number };

/** Reported against counted tokens of prompts that we count exactly. */
export interface Drift extends Named {
  readonly samples: number;
  /** Tokens by which the provider's count exceeds ours, its known constant taken off, on average. */
  readonly tokens: number;
  /** The same as a share of the prompt. */
  readonly share: number;
}

/** One offer, as it was named in the sheet. */
interface Named {
  readonly provider: string;
  readonly service?: string | undefined;
  readonly upstream: string;
}

/** What one answer shows of an offer. Milliseconds and tokens. */
export interface Answered {
  /** Until the first content, where the answer was streamed. */
  readonly ttftMs?: number;
  /** From the first content (of a streamed answer) or from asking to the end. */
  readonly ms: number;
  /** Of all its choices. */
  readonly outputTokens: number;
  readonly choices: number;
}

/** What an isolate has seen of its offers. It learns by itself and forgets with its end. */
export interface HealthBook extends Health, Learned {
  succeeded(offer: Named & { readonly model: string }, answered: Answered, now: number): void;
  /** It was asked for several choices in one request, and brought one. */
  ignoredN(offer: Named): void;
  failed(offer: Named, error: GatewayError, now: number): void;
  /** @param counted our own exact count, with what the wire is known to report besides */
  reported(offer: Named, reported: number, counted: number): void;
  drifts(): readonly Drift[];
  /** Every offer that has been asked, with its breaker. */
  breakers(now: number): readonly (Named & { readonly breaker: Breaker; readonly observed?: Observed })[];
}

const moved = (average: number | undefined, value: number): number =>
  average === undefined ? value : average + NEWEST * (value - average);

const keyOf = ({ provider, service = '', upstream }: Named): string => `${provider} ${service} ${upstream}`;

const namedBy = ({ provider, service, upstream }: Named): Named => ({
  provider,
  ...(service === undefined ? {} : { service }),
  upstream,
});

const CLOSED: State = { kind: 'closed', failures: 0 };

function breakerOf(state: State | undefined, now: number): Breaker {
  if (state?.kind !== 'open') return 'closed';
  return now < state.until ? 'open' : 'half_open';
}

export function healthBook(): HealthBook {
  const states = new Map<string, State & { readonly named: Named }>();
  const seen = new Map<string, Observed>();
  const lengths = new Map<string, number>();
  const drifts = new Map<string, Drift>();
  const withoutN = new Map<string, true>();

  return {
    ...learned(),
    observed: (provider, upstream, service) => seen.get(keyOf({ provider, service, upstream })),
    breaker: (provider, upstream, now, service) => breakerOf(states.get(keyOf({ provider, service, upstream })), now),
    completionTokens: (model) => lengths.get(model),
    ignoresN: (provider, upstream, service) => withoutN.has(keyOf({ provider, service, upstream })),
    ignoredN: (offer) => keep(withoutN, keyOf(offer), true),
    succeeded(offer, { ttftMs, ms, outputTokens, choices }, now) {
      const key = keyOf(offer);
      keep(states, key, { ...CLOSED, named: namedBy(offer) });
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
      const named = namedBy(offer);
      // Of one that was open it was the first try again: one failure is enough.
      const failures = before.kind === 'open' ? FAILURES : before.failures + 1;
      keep(
        states,
        key,
        failures >= FAILURES ? { kind: 'open', until: now + OPEN_MS, named } : { kind: 'closed', failures, named },
      );
    },
    reported(offer, reported, counted) {
      if (counted <= 0) return;
      const key = keyOf(offer);
      const before = drifts.get(key);
      const tokens = reported - counted;
      keep(drifts, key, {
        ...namedBy(offer),
        samples: (before?.samples ?? 0) + 1,
        tokens: moved(before?.tokens, tokens),
        share: moved(before?.share, tokens / counted),
      });
    },
    drifts: () => [...drifts.values()],
    breakers: (now) =>
      [...states.values()].map(({ named, ...state }) => {
        const observed = seen.get(keyOf(named));
        return { ...named, breaker: breakerOf(state, now), ...(observed ? { observed } : {}) };
      }),
  };
}
