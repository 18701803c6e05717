/** One upstream request under its own timers, and whether its work may have been billed if it fails. */
import {
  abortReason,
  type ErrorCode,
  type Event,
  type GatewayError,
  type Generation,
  type Job,
  type Provider,
} from '../core/index.ts';
import { hasContent } from './stream-guards.ts';
import { type AttemptLimits, type Clock, type Fault, type Limit, limitOf, watchdog } from './timeouts.ts';

/** What all upstream requests of one attempt share. */
export interface AttemptContext {
  readonly provider: Provider;
  readonly limits: AttemptLimits;
  readonly clock: Clock;
  /** Aborted when the attempt is over, however it ended. */
  readonly signal: AbortSignal;
  /** When the whole call is over, in milliseconds since the epoch. */
  readonly deadline: number;
  /** A limit was exceeded: aborts the attempt. */
  expire(error: GatewayError, fault: Fault): void;
  /** The outcome of some work, or a rejection as soon as the attempt is aborted, even where the work goes on. */
  orAbort<T>(work: Promise<T>): Promise<T>;
}

/** How far one upstream request has come: it was sent; answered with success; sent content. */
export type Stage = 'asked' | 'answered' | 'speaking';

/** One upstream request under timers of its own, from its own start. */
export interface UpstreamRequest {
  readonly job: Job;
  readonly stage: Stage;
  /** Milliseconds for which data was there and nobody read it, because the caller was slow. */
  readonly unreadMs: number;
  /** Resolves once the upstream has answered. */
  open(): Promise<Generation>;
  /** The next events; only after `open`. */
  next(): Promise<IteratorResult<Event[], undefined>>;
  /** Nobody wants the rest. */
  leave(): void;
}

const ENDED: IteratorReturnResult<undefined> = { done: true, value: undefined };

export function upstreamRequest(job: Job, context: AttemptContext): UpstreamRequest {
  const { provider, limits, clock, signal, deadline, expire, orAbort } = context;
  const asked = clock.now();
  const total: Limit = {
    ...limitOf(provider.id, 'did not finish', limits.total.ms, limits.total.fault),
    ms: Math.max(1, deadline - asked),
  };
  const timer = watchdog(clock, total, (broken) => {
    // An answer that has begun and only needs its time is no fault of the provider when the call's deadline passes.
    expire(broken.error(), broken === total && stage === 'speaking' ? 'nobody' : broken.fault);
  });
  let stage: Stage = 'asked';
  let events: AsyncIterator<Event[]> | undefined;
  let unreadMs = 0;
  let heardAt = 0;
  let over = false;
  let starting = false;
  /** The whole answer is here already, as one batch. */
  let complete = false;
  /** Starts the limit for the first content, of which so many milliseconds have passed already. */
  function expectContent(passedMs: number): void {
    const { content, coldStartMs } = limits;
    const ms = starting ? Math.max(content.ms, coldStartMs ?? 0) : content.ms;
    const limit = limitOf(provider.id, 'sent no token', ms, content.fault);
    timer.expect({ ...limit, ms: Math.max(1, ms - passedMs) });
  }
  const close = (): void => {
    over = true;
    timer.stop();
  };

  // Plain functions and not async ones: each of those would cost every read a turn of the microtask queue.
  function heard(turn: IteratorResult<Event[]>): IteratorResult<Event[], undefined> {
    if (turn.done) {
      close();
      return ENDED;
    }
    if (stage === 'speaking') {
      timer.heard();
      heardAt = clock.now();
    } else if (turn.value.some(hasContent)) {
      stage = 'speaking';
      timer.expectEach(limitOf(provider.id, 'went silent: no data', limits.idleMs, 'upstream'));
      heardAt = clock.now();
    }
    // An empty batch says that the answer is under way: its length alone is no reason to cut it.
    else if (turn.value.length === 0) expectContent(0);
    return turn;
  }
  function failed(thrown: unknown): never {
    close();
    throw thrown;
  }
  /** The one batch of an answer that is here already. */
  async function whole(): Promise<IteratorResult<Event[], undefined>> {
    if (over || !events) return ENDED;
    if (signal.aborted) throw abortReason(signal);
    const turn = await events.next();
    if (turn.done !== true && turn.value.some(hasContent)) stage = 'speaking';
    close();
    return turn;
  }

  return {
    job,
    get stage() {
      return stage;
    },
    get unreadMs() {
      return unreadMs;
    },
    async open() {
      const { answer } = limits;
      timer.expect(limitOf(provider.id, 'did not answer', answer.ms, answer.fault));
      try {
        const generation = await orAbort(provider.generate(job, signal));
        stage = 'answered';
        starting = generation.starting === true;
        complete = generation.complete === true;
        if (complete) timer.stop();
        else expectContent(limits.content.from === 'asking' ? clock.now() - asked : 0);
        events = generation.events[Symbol.asyncIterator]();
        return generation;
      } catch (thrown) {
        close();
        throw thrown;
      }
    },
    next() {
      if (!events) return Promise.resolve(ENDED);
      if (complete) return whole();
      const now = clock.now();
      if (heardAt > 0) unreadMs += now - heardAt;
      timer.listen(now);
      // Before the first content a failure goes to the next offer, which must not wait until this one notices the
      // abort.
      const turn = stage === 'speaking' ? events.next() : orAbort(events.next());
      return turn.then(heard, failed);
    },
    leave() {
      if (over) return;
      close();
      // A failure of the cancelled upstream is of no interest any more.
      events?.return?.()?.catch(() => undefined);
    },
  };
}

/** What is known of an upstream request that failed, beside its error. */
export interface RequestProgress {
  /** From the request until it failed. */
  readonly elapsedMs: number;
  readonly stage: Stage;
}

/**
 * What an error code says about billing. `refused`: the upstream rejected the request, which nobody bills.
 * `unreachable`: the same, if it comes quickly. `worked`: the upstream took the request on. `failed` and `internal`
 * depend on the stage.
 */
type Meaning = 'refused' | 'unreachable' | 'worked' | 'failed' | 'internal';

const MEANINGS: Readonly<Record<ErrorCode, Meaning>> = {
  invalid_request: 'refused',
  context_length_exceeded: 'refused',
  unsupported_parameter: 'refused',
  model_not_found: 'refused',
  no_eligible_offer: 'refused',
  not_found: 'refused',
  not_implemented: 'refused',
  authentication: 'refused',
  permission_denied: 'refused',
  insufficient_budget: 'refused',
  request_in_progress: 'refused',
  already_completed: 'refused',
  rate_limit_exceeded: 'refused',
  content_policy: 'refused',
  provider_rate_limited: 'refused',
  provider_overloaded: 'refused',
  provider_auth: 'refused',
  provider_unavailable: 'unreachable',
  provider_error: 'failed',
  // A 504 from a proxy says as little as our own timeout: the model may still be at work.
  timeout: 'worked',
  canceled: 'worked',
  stream_interrupted: 'worked',
  internal: 'internal',
};

/**
 * A connection that cannot be made fails sooner. An upstream that closes after a longer silence had taken the
 * request.
 */
const PROMPT_MS = 2_000;

/**
 * Whether the work of a failed request may have been billed: it was sent in full and not refused. Such a request is
 * never sent to the same offer again. A provider that knows better (`details.maybeBilled`) is believed.
 */
export function mayBeBilled(error: GatewayError, { elapsedMs, stage }: RequestProgress): boolean {
  if (stage === 'speaking') return true;
  if (error.details.maybeBilled !== undefined) return error.details.maybeBilled;
  switch (MEANINGS[error.code]) {
    case 'refused':
      return false;
    case 'unreachable':
      return stage === 'answered' || elapsedMs > PROMPT_MS;
    case 'worked':
      return true;
    case 'failed':
      // With a success status, an answer came that could not be read, or that ended in an error.
      return stage === 'answered' || (error.details.upstreamStatus ?? 200) < 300;
    case 'internal':
      return stage === 'answered';
  }
}
