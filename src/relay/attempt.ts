/** One try at one offer, from its upstream requests to the events of its answer. */
import {
  abortReason,
  asGatewayError,
  type Event,
  type FinishReason,
  GatewayError,
  type Generation,
  type Job,
  onlyBatch,
  type Provider,
  type Usage,
} from '../core/index.ts';
import type { Plan, TextCounter } from '../offers/index.ts';
import { fanOut } from './fan-out.ts';
import { applyStop, streamIntegrity, tally } from './stream-guards.ts';
import type { AttemptLimits, Clock, Fault } from './timeouts.ts';
import { type AttemptContext, mayBeBilled, type UpstreamRequest, upstreamRequest } from './upstream-request.ts';

/** An answer whose first content is here (or, for a JSON answer, all of it). */
export interface UpstreamAnswer {
  readonly events: AsyncIterable<Event[]>;
  readonly upstreamId?: string;
  readonly upstreamModel?: string;
  readonly fingerprint?: string;
}

/** Why an attempt brought no answer, and what follows from it. */
export interface AttemptFailure {
  readonly error: GatewayError;
  /** Part of its work may have been billed, so that the same offer must not be asked again. */
  readonly maybeBilled: boolean;
  /** Whether it counts against the offer. */
  readonly fault: Fault;
}

export type AttemptOutcome =
  | { readonly kind: 'answered'; readonly answer: UpstreamAnswer }
  | { readonly kind: 'failed'; readonly failure: AttemptFailure };

/** What is known of an answer beside its usage. */
export interface AnswerFacts {
  readonly finish?: FinishReason | undefined;
  readonly upstreamId?: string | undefined;
  /** Tokens of the answer under another tokenizer; undefined where they are too many to be counted on the side. */
  readonly countBy?: ((counter: TextCounter) => number | undefined) | undefined;
}

/** Records what becomes of an attempt. */
export interface AttemptObserver {
  /** The first content of every choice is here. */
  begun(): void;
  /** The answer is complete, with its usage, and how many milliseconds of it the caller was too slow to read. */
  ended(usage: Usage, unreadMs: number, facts: AnswerFacts): void;
  /** It broke after it had begun. A failure before that is the attempt's outcome. */
  broke(error: GatewayError, fault: Fault): void;
  /**
   * It ended early after it had begun, because it broke or nobody wanted the rest.
   *
   * @param count the tokens of what has come
   */
  stopped(error: GatewayError, count: () => Usage | Promise<Usage>, facts: AnswerFacts): void;
  /** The server does not know `n`: it brought one choice where it was asked for several. */
  ignoresN(): void;
}

export interface AttemptOptions {
  readonly provider: Provider;
  readonly plan: Plan;
  readonly limits: AttemptLimits;
  /** When the whole call is over, in milliseconds since the epoch. */
  readonly deadline: number;
  /** The answer counts as begun only when it is complete. */
  readonly whole: boolean;
  /** No other offer can serve the call. */
  readonly alone: boolean;
  /** Takes one more of the requests that the platform allows the call, if one is left. */
  readonly takeRequest: () => boolean;
  /** Takes one of the provider's retries, if one is left. */
  readonly takeRetry: () => boolean;
  /** Aborts when the caller has left. */
  readonly caller: AbortSignal;
  readonly clock: Clock;
  readonly observer: AttemptObserver;
  /** Is told the signal of its requests. */
  readonly carry?: ((signal: AbortSignal) => void) | undefined;
  /** Resolves with why the attempt, which is on its way, is not to be served, if that is so. */
  readonly refusal?: Promise<GatewayError | undefined> | undefined;
}

const ENDED: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Makes as many upstream requests as the plan has jobs, under one signal. Resolves at the commit point: the first
 * content of every choice, or with `whole` the complete answer. If it fails before, it resolves with the failure and
 * the upstream is aborted. After the commit point failures come out of `events`.
 */
export async function attempt(options: AttemptOptions): Promise<AttemptOutcome> {
  const { provider, plan, limits, deadline, whole, alone, takeRequest, takeRetry, caller, clock, observer } = options;
  const controller = new AbortController();
  const { signal } = controller;
  options.carry?.(signal);
  const asked = clock.now();
  /** Called when the attempt is aborted. Costs less than listeners on the signal. */
  const waiting = new Set<(reason: GatewayError) => void>();
  const abort = (reason: GatewayError) => {
    controller.abort(reason);
    for (const reject of waiting) reject(reason);
  };
  const onCallerGone = () => abort(abortReason(caller));
  if (caller.aborted) onCallerGone();
  else caller.addEventListener('abort', onCallerGone, { once: true });
  options.refusal?.then((refused) => {
    if (!refused) return;
    fault = 'nobody';
    abort(refused);
  });

  /**
   * Who is to blame for the end of the attempt. It is nobody's fault if the caller leaves, or for what a model says.
   */
  let fault: Fault = 'upstream';
  const context: AttemptContext = {
    provider,
    limits,
    clock,
    signal,
    deadline,
    expire(error, by) {
      fault = by;
      abort(error);
    },
    orAbort: (work) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) reject(abortReason(signal));
        waiting.add(reject);
        work.then(
          (value) => {
            waiting.delete(reject);
            resolve(value);
          },
          (thrown: unknown) => {
            waiting.delete(reject);
            reject(thrown);
          },
        );
      }),
  };
  /** Requests that were sent and not refused. */
  const sent = new Set<UpstreamRequest>();
  const start = (job: Job): UpstreamRequest => {
    const request = upstreamRequest(job, context);
    sent.add(request);
    return request;
  };
  const end = () => {
    for (const request of sent) request.leave();
    caller.removeEventListener('abort', onCallerGone);
  };
  /** The real cause of a failure: after an abort it is the abort's reason, whatever the upstream threw. */
  const failure = (thrown: unknown): GatewayError =>
    (signal.aborted ? abortReason(signal) : asGatewayError(thrown)).with({ provider: provider.id });

  let single: UpstreamRequest | undefined;
  let opened: Generation | undefined;
  let extraPrompts = 0;
  const integrity = streamIntegrity(provider.id, plan, () => {
    fault = 'nobody';
  });
  const counter = tally(plan);
  const facts = (): AnswerFacts => ({
    finish: counter.finish(),
    upstreamId: opened?.upstreamId,
    countBy: counter.countBy,
  });
  /** The tokens of what has come so far. */
  const soFar = (): Usage | Promise<Usage> => {
    const loading = counter.loading();
    return loading ? loading.then(() => counter.count(extraPrompts)) : (counter.told() ?? counter.count(extraPrompts));
  };
  /** Checks the end of the stream. Returns our usage where the provider gave none. */
  const complete = (): Event[] => {
    integrity.assertComplete();
    const told = counter.told();
    const usage = told ?? counter.count(extraPrompts);
    let unreadMs = 0;
    for (const request of sent) unreadMs = Math.max(unreadMs, request.unreadMs);
    observer.ended(usage, unreadMs, facts());
    return told ? [] : [{ type: 'usage', usage }];
  };

  try {
    const [only] = plan.jobs;
    let source: AsyncIterator<Event[], unknown>;
    if (plan.jobs.length === 1 && only && only.n === 1) {
      single = start(only);
      opened = await single.open();
      source = single;
    } else {
      source = fanOut(plan, {
        clock,
        signal,
        start,
        alone,
        takeRetry: () => takeRetry() && takeRequest(),
        refused: (request) => sent.delete(request),
        opened(generation) {
          opened ??= generation;
        },
        ignoresN(missing) {
          extraPrompts += missing;
          observer.ignoresN();
          for (let more = 0; more < missing; more++) if (!takeRequest()) throw tooMany(provider.id, missing);
        },
      });
    }
    const events = plan.stop.length > 0 ? applyStop(iterable(source), plan.stop, plan.choices) : source;
    let first: Event[] = [];
    let done = false;
    while (!done && (whole || !integrity.begun())) {
      const next = await events.next();
      if (next.done) done = true;
      else for (const event of integrity.filter(next.value)) first.push(event);
    }
    counter.note(first);
    const loading = counter.loading(first);
    if (loading) await loading;
    first = counter.completed(first);
    if (integrity.begun()) observer.begun();
    if (done) {
      const counting = counter.loading();
      if (counting) await counting;
      first.push(...complete());
      end();
      return answered(opened, onlyBatch(first));
    }
    let held: Event[] | undefined = first;
    let over = false;
    type Turn = IteratorResult<Event[], undefined>;
    // Plain functions and not async ones: each of those would cost every read a turn of the microtask queue.
    const read = (): Promise<Turn> => events.next().then(pass, broke);
    function pass(next: IteratorResult<Event[], unknown>): Turn | Promise<Turn> {
      try {
        const filtered = next.done ? undefined : integrity.filter(next.value);
        if (filtered) counter.note(filtered);
        const go = () => (filtered ? passOn(filtered) : finish());
        const loading = counter.loading(filtered);
        return loading ? loading.then(go).catch(broke) : go();
      } catch (thrown) {
        return broke(thrown);
      }
    }
    function passOn(batch: Event[]): Turn | Promise<Turn> {
      const value = counter.completed(batch);
      return value.length > 0 ? { done: false, value } : read();
    }
    function finish(): Turn {
      const last = complete();
      over = true;
      end();
      return last.length > 0 ? { done: false, value: last } : ENDED;
    }
    let broken = false;
    function broke(thrown: unknown): never {
      if (broken) throw thrown;
      broken = true;
      over = true;
      const error = failure(thrown);
      abort(error);
      end();
      if (!caller.aborted) observer.broke(error, fault);
      observer.stopped(error, soFar, facts());
      throw error;
    }
    const following: AsyncIterator<Event[], undefined> = {
      next() {
        if (over) return Promise.resolve(ENDED);
        if (!held) return read();
        const value = held;
        held = undefined;
        return Promise.resolve({ done: false, value });
      },
      async return() {
        if (!over) {
          over = true;
          // The reader left before the end: nobody wants the rest, so the upstream must be aborted.
          const error = new GatewayError('canceled', 'The caller left before the answer was complete.');
          abort(error);
          end();
          observer.stopped(error, soFar, facts());
        }
        return ENDED;
      },
    };
    return answered(opened, { [Symbol.asyncIterator]: () => following });
  } catch (thrown) {
    const error = failure(thrown);
    const elapsedMs = clock.now() - asked;
    // Of several requests, those that were refused are no longer in `sent`.
    const maybeBilled = single ? mayBeBilled(error, { elapsedMs, stage: single.stage }) : sent.size > 0;
    abort(error);
    end();
    return { kind: 'failed', failure: { error, maybeBilled, fault } };
  }
}

/** We learn only from the first answer that a server ignores `n`. The next call's sheet will know. */
const tooMany = (provider: string, missing: number): GatewayError =>
  new GatewayError(
    'invalid_request',
    `${provider} brings one choice for each request, and ${missing} more are too many for one call. Lower n.`,
    { provider, param: 'n' },
  );

const iterable = (source: AsyncIterator<Event[], unknown>): AsyncIterable<Event[]> => ({
  [Symbol.asyncIterator]: () => source,
});

const answered = (generation: Generation | undefined, events: AsyncIterable<Event[]>): AttemptOutcome => ({
  kind: 'answered',
  answer: {
    events,
    ...(generation?.upstreamId === undefined ? {} : { upstreamId: generation.upstreamId }),
    ...(generation?.upstreamModel === undefined ? {} : { upstreamModel: generation.upstreamModel }),
    ...(generation?.fingerprint === undefined ? {} : { fingerprint: generation.fingerprint }),
  },
});
