/**
 * Everything about time in a call: the clock, how long one attempt may take (`attemptLimits`), and the one timer that
 * enforces it (`watchdog`). The deadline of the whole call is set by `callDeadline`.
 */
import { type After, GatewayError, type TimeoutSettings } from '../core/index.ts';
import { type Candidate, type Plan, tokensBeyond, withinOutput } from '../offers/index.ts';

/** Time and chance, as arguments, so that a test can control both. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  readonly after: After;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Milliseconds, as the deployment sets them (`CHASQUI_TIMEOUTS`). A value that is set is used exactly as written. */
export interface Timeouts extends TimeoutSettings {
  /** The whole call with all its attempts. A caller may ask for less, never for more. */
  readonly totalMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { totalMs: 600_000 };

/** The deadline of a whole call, and whether the caller asked for less time than the deployment allows. */
export function callDeadline(
  askedMs: number | undefined,
  timeouts: Timeouts,
  now: number,
): { deadline: number; hurried: boolean } {
  const totalMs = Math.min(askedMs ?? timeouts.totalMs, timeouts.totalMs);
  return { deadline: now + totalMs, hurried: totalMs < timeouts.totalMs };
}

/** Who is to blame when a limit is exceeded: `nobody` where only the caller's own short deadline made it short. */
export type Fault = 'upstream' | 'nobody';

export interface TimeLimit {
  readonly ms: number;
  readonly fault: Fault;
}

/** How long one attempt may take. */
export interface AttemptLimits {
  /** Until the upstream sends its response headers. */
  readonly answer: TimeLimit;
  /**
   * Until the first content: counted from the response headers, or from the request where the operator set no limit.
   */
  readonly content: TimeLimit & { readonly from: 'asking' | 'answer' };
  /**
   * The least time until the first content of a model that its provider is starting. Absent while other offers wait.
   */
  readonly coldStartMs?: number;
  /** Silence between two reads of a stream that has begun. */
  readonly idleMs: number;
  /** What is left of the whole call. */
  readonly total: TimeLimit;
}

/** Until the first content while another offer waits, because a person is waiting too. */
const FIRST_CONTENT_MS = 15_000;
/** Until the first content where no other offer is left: a cold start is better than an error. */
const ALONE_MS = 120_000;
const IDLE_MS = 30_000;
/**
 * Until the first content of an answer that is held to a JSON Schema: Bedrock compiles a new one for "up to a few
 * minutes" (its user guide, structured-output.html) and caches it, so that a second call need not wait.
 */
const COMPILING_MS = { alone: 300_000, others: 60_000 } as const;
/** Observed times to the first token are averages. A single call may take this many times as long. */
const GENEROUS = 3;

/** Prompts up to this many tokens are read within the first-token limit. Longer ones get extra time at this speed. */
const SHORT_PROMPT = 16_000;
const READ_PER_SECOND = 2_000;

/** Milliseconds for one output token where no speed was observed: of a hosted model, and of a self-hosted one. */
const MS_PER_TOKEN = { hosted: 60, own: 250 } as const;
/** Assumed length in tokens of an answer about which nothing is known. */
const LONG_ANSWER = 8_192;
/** An answer may be this many times as long as the model's usual one, or this long, whichever is more. */
const TIMES_USUAL = 8;
const SHORT_ANSWER = 1_024;

function tokensAtMost({ output }: Candidate, usual: number | undefined): number {
  if (output.maxTokens !== undefined) return output.maxTokens;
  const likely = usual === undefined ? LONG_ANSWER : Math.max(SHORT_ANSWER, TIMES_USUAL * usual);
  return withinOutput(output, likely);
}

/** The most time that an unstreamed answer takes, of which nothing is seen before it is complete. */
function pieceMs(offer: Candidate, usual: number | undefined): number {
  const speed = offer.observed?.tokensPerSecond;
  const perToken =
    speed === undefined ? MS_PER_TOKEN[offer.standing === 'own' ? 'own' : 'hosted'] : (GENEROUS * 1000) / speed;
  return firstContentMs(offer) + tokensAtMost(offer, usual) * perToken;
}

function firstContentMs({ observed, prompt, structured }: Candidate): number {
  const reading = (tokensBeyond(prompt, SHORT_PROMPT) / READ_PER_SECOND) * 1000;
  const first = structured ? COMPILING_MS.others : FIRST_CONTENT_MS;
  return Math.max(first, GENEROUS * (observed?.ttftMs ?? 0)) + reading;
}

/** The state of the call when an attempt starts. */
export interface Situation {
  readonly leftMs: number;
  /** The caller's deadline is shorter than the deployment's. */
  readonly hurried: boolean;
  /** Other offers that may still serve the call. */
  readonly othersWaiting: number;
  /** Output tokens of a usual answer of the model. */
  readonly usual: number | undefined;
}

/**
 * The limits exist to reach the next offer in time: while others wait, an attempt gets at most its share of what is
 * left. A limit that the operator set is used as written. The defaults are chosen so that a dead provider costs 15
 * seconds, and so that a healthy answer is never cut for its length, as far as lengths and speeds are known.
 */
export function attemptLimits(
  settings: Timeouts,
  offer: Candidate,
  plan: Pick<Plan, 'form'>,
  { leftMs, hurried, othersWaiting, usual }: Situation,
): AttemptLimits {
  const set: TimeoutSettings = offer.timeouts ? { ...settings, ...offer.timeouts } : settings;
  const alone = othersWaiting === 0;
  const share = leftMs / (othersWaiting + 1);
  const timer = (ms: number): TimeLimit => ({
    ms: Math.max(1, Math.min(ms, share)),
    fault: hurried && share <= ms ? 'nobody' : 'upstream',
  });
  const idleMs = set.idleMs ?? IDLE_MS;
  const total: TimeLimit = { ms: leftMs, fault: hurried ? 'nobody' : 'upstream' };
  const coldStart = alone ? { coldStartMs: ALONE_MS } : {};
  if (plan.form === 'piece') {
    const whole = timer(set.pieceMs ?? set.firstTokenMs ?? (alone ? leftMs : pieceMs(offer, usual)));
    return { answer: whole, content: { ...whole, from: 'asking' }, ...coldStart, idleMs, total };
  }
  const patience = offer.structured ? COMPILING_MS.alone : ALONE_MS;
  const chosen = alone ? patience : firstContentMs(offer);
  return {
    answer: timer(set.connectMs ?? chosen),
    content:
      set.firstTokenMs === undefined && set.connectMs === undefined
        ? { ...timer(chosen), from: 'asking' }
        : { ...timer(set.firstTokenMs ?? chosen), from: 'answer' },
    ...coldStart,
    idleMs,
    total,
  };
}

const inWords = (ms: number): string => (ms < 100 ? `${Math.ceil(ms)} ms` : `${Math.round(ms / 100) / 10} s`);

/** Not retried on the same offer: a request that hung once is likely to hang again, and may be billed. */
const timedOut = (provider: string, what: string, ms: number): GatewayError =>
  new GatewayError('timeout', `${provider} ${what} within ${inWords(ms)}.`, { provider, retryable: false });

/** A time limit, with the error that tells what was not done in time. */
export interface Limit extends TimeLimit {
  readonly error: () => GatewayError;
}

/** @param what completes the sentence "<provider> ... within 15 s." */
export const limitOf = (provider: string, what: string, ms: number, fault: Fault): Limit => ({
  ms,
  fault,
  error: () => timedOut(provider, what, ms),
});

/**
 * One timer for one upstream request. Setting a timer costs more than a read does, so a new limit moves the timer
 * only if it is due sooner, and a timer that fires too early is set again for the rest.
 */
export interface Watchdog {
  /** Sets the time that may pass from now on. Replaces the previous limit. */
  expect(limit: Limit): void;
  /** Sets the time that each wait, from `listen` to `heard`, may take. Replaces the previous limit. */
  expectEach(limit: Limit): void;
  /** We wait for the upstream from `now` on. While we do not, its silence does not count. */
  listen(now: number): void;
  heard(): void;
  stop(): void;
}

type Current =
  | { readonly kind: 'none' }
  | { readonly kind: 'once'; readonly limit: Limit; readonly since: number }
  /** `since` is when the wait began, or infinite while nobody waits. Changed in place: it changes with every read. */
  | { readonly kind: 'each'; readonly limit: Limit; since: number };

const NEVER = Number.POSITIVE_INFINITY;

/**
 * @param whole the limit that holds from the start to `stop`, whatever else is expected
 * @param expire called once, with the limit that was exceeded first
 */
export function watchdog(clock: Clock, whole: Limit, expire: (limit: Limit) => void): Watchdog {
  const wholeDueAt = clock.now() + whole.ms;
  let current: Current = { kind: 'none' };
  let ringsAt = NEVER;
  let cancel: (() => void) | undefined;
  let stopped = false;

  const currentDueAt = (): number => (current.kind === 'none' ? NEVER : current.since + current.limit.ms);
  const arm = (now: number): void => {
    const due = Math.min(wholeDueAt, currentDueAt());
    if (due >= ringsAt) return;
    cancel?.();
    ringsAt = due;
    cancel = clock.after(due - now, ring);
  };
  function ring(): void {
    ringsAt = NEVER;
    cancel = undefined;
    if (stopped) return;
    const now = clock.now();
    const broken = current.kind !== 'none' && currentDueAt() <= now ? current.limit : undefined;
    if (!broken && now < wholeDueAt) {
      arm(now);
      return;
    }
    stopped = true;
    expire(broken ?? whole);
  }

  return {
    expect(limit) {
      const now = clock.now();
      current = { kind: 'once', limit, since: now };
      arm(now);
    },
    expectEach(limit) {
      current = { kind: 'each', limit, since: NEVER };
      arm(clock.now());
    },
    listen(now) {
      if (stopped || current.kind !== 'each') return;
      current.since = now;
      arm(now);
    },
    heard() {
      if (current.kind === 'each') current.since = NEVER;
    },
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
