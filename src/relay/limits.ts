import { GatewayError, type TimeoutSettings } from '../core/index.ts';
import type { Candidate, Plan } from '../offers/index.ts';

/** Milliseconds, as the deployment has them (`CHASQUI_TIMEOUTS`). What is set holds as written. */
export interface Timeouts extends TimeoutSettings {
  /** The whole call, all its attempts included. A caller may ask for less, never for more. */
  readonly totalMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { totalMs: 600_000 };

/** Whom it tells something about when a timer runs out: a limit that only the caller's own haste made short tells nothing. */
export type Fault = 'upstream' | 'nobody';

export interface Timer {
  readonly ms: number;
  readonly fault: Fault;
}

/** What one attempt may take. */
export interface AttemptLimits {
  /** Until the upstream answers at all. */
  readonly answer: Timer;
  /** Until the first content: counted from its answer, or from asking where nobody has set it. */
  readonly content: Timer & { readonly from: 'asking' | 'answer' };
  /** Least time until the first content of a model that its provider says it is starting; absent while others can serve. */
  readonly coldStartMs?: number;
  /** Silence between two reads of what has begun. */
  readonly idleMs: number;
  /** What is left of the whole call. */
  readonly total: Timer;
}

/** Until the first content while another offer waits: a person is waiting, too. */
const FIRST_CONTENT_MS = 15_000;
/** Until the first content where nobody else can serve: a cold start is better than an error. */
const ALONE_MS = 120_000;
const IDLE_MS = 30_000;
/**
 * Until the first content of an answer that is held to a JSON Schema: Bedrock compiles a new one for "up to a few minutes"
 * (its user guide, structured-output.html) and keeps what it compiled, so that a second call need not wait.
 */
const COMPILING_MS = { alone: 300_000, others: 60_000 } as const;
/** Observed times to the first token are averages: one that takes this many times as long is no surprise. */
const GENEROUS = 3;

/** Prompts up to this many tokens are read well within the time for a first token; of longer ones, so many in a second. */
const SHORT_PROMPT = 16_000;
const READ_PER_SECOND = 2_000;

/** Milliseconds for one token of output where no speed has been seen: of a hosted model, and of one on anybody's machine. */
const MS_PER_TOKEN = { hosted: 60, own: 250 } as const;
/** Tokens of an answer whose length nothing is known about. */
const LONG_ANSWER = 8_192;
/** Answers are this many times as long as the model's usual ones, or this long, without being a surprise. */
const TIMES_USUAL = 8;
const SHORT_ANSWER = 1_024;

function tokensAtMost({ output }: Candidate, usual: number | undefined): number {
  if (output.maxTokens !== undefined) return output.maxTokens;
  const likely = usual === undefined ? LONG_ANSWER : Math.max(SHORT_ANSWER, TIMES_USUAL * usual);
  return Math.min(likely, output.most ?? Number.POSITIVE_INFINITY);
}

/** Time that an answer in one piece, of which nothing is seen before it is complete, takes at the most. */
function pieceMs(offer: Candidate, usual: number | undefined): number {
  const speed = offer.observed?.tokensPerSecond;
  const perToken =
    speed === undefined ? MS_PER_TOKEN[offer.standing === 'own' ? 'own' : 'hosted'] : (GENEROUS * 1000) / speed;
  return firstContentMs(offer) + tokensAtMost(offer, usual) * perToken;
}

function firstContentMs({ observed, prompt, structured }: Candidate): number {
  const reading = (Math.max(0, prompt.largest - SHORT_PROMPT) / READ_PER_SECOND) * 1000;
  const first = structured ? COMPILING_MS.others : FIRST_CONTENT_MS;
  return Math.max(first, GENEROUS * (observed?.ttftMs ?? 0)) + reading;
}

/** Where an attempt stands among what else may be done for the call. */
export interface Situation {
  readonly leftMs: number;
  /** The caller wants it sooner than the deployment would allow. */
  readonly hurried: boolean;
  /** Other offers that may yet serve the call. */
  readonly othersWaiting: number;
  /** Output tokens of a usual answer of the model. */
  readonly usual: number | undefined;
}

/**
 * The timers exist to reach the next offer in time: while others wait, an attempt gets at most its share of what is left.
 * What the operator has set holds as it is written. The rest is chosen so that a dead provider costs a person 15 s, and
 * so that a healthy answer is never cut for its length, as far as lengths and speeds are known.
 */
export function attemptLimits(
  settings: Timeouts,
  offer: Candidate,
  plan: Plan,
  { leftMs, hurried, othersWaiting, usual }: Situation,
): AttemptLimits {
  const set: TimeoutSettings = { ...settings, ...offer.timeouts };
  const alone = othersWaiting === 0;
  const share = leftMs / (othersWaiting + 1);
  const timer = (ms: number): Timer => ({
    ms: Math.max(1, Math.min(ms, share)),
    fault: hurried && share <= ms ? 'nobody' : 'upstream',
  });
  const idleMs = set.idleMs ?? IDLE_MS;
  const total: Timer = { ms: leftMs, fault: hurried ? 'nobody' : 'upstream' };
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

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;

/** Not retried on the same offer: what hung once is likely to hang again, and may be billed. */
export const timedOut = (provider: string, what: string, ms: number): GatewayError =>
  new GatewayError('timeout', `${provider} ${what} within ${seconds(ms)}.`, { provider, retryable: false });
