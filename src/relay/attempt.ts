import {
  abortReason,
  asGatewayError,
  type Event,
  GatewayError,
  type Generation,
  type Job,
  onlyBatch,
  type Provider,
  type Usage,
} from '../core/index.ts';
import type { Plan } from '../offers/index.ts';
import { mayBeBilled } from './billed.ts';
import type { Clock } from './clock.ts';
import { tally } from './estimate.ts';
import { fanOut } from './fan-out.ts';
import type { AttemptLimits, Fault } from './limits.ts';
import { type Request, type Surroundings, upstreamRequest } from './request.ts';
import { applyStop } from './stop.ts';
import { truth } from './truth.ts';

/** An answer that is there: its first content (or, for a JSON answer, all of it) has come, and the rest follows. */
export interface Answer {
  readonly events: AsyncIterable<Event[]>;
  readonly upstreamId?: string;
  readonly upstreamModel?: string;
  readonly fingerprint?: string;
}

/** Why an attempt brought nothing, and what follows from it. */
export interface Failure {
  readonly error: GatewayError;
  /** Part of its work may have been billed, so that the same offer must not be asked again. */
  readonly maybeBilled: boolean;
  /** Whether it tells anything about the offer. */
  readonly fault: Fault;
}

export type Outcome =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Who keeps account of attempts. */
export interface Observer {
  /** The first content of every choice is here. */
  begun(): void;
  /** All is here, with what it came to, and how many milliseconds of it the caller was too slow to read. */
  ended(usage: Usage, unreadMs: number): void;
  /** It broke after it had begun; what breaks before is the attempt's outcome. */
  broke(error: GatewayError, fault: Fault): void;
  /** The server does not know `n`: it brought one choice where it was asked for several. */
  ignoresN(): void;
}

/** One try at one offer. */
export interface Attempt {
  readonly provider: Provider;
  readonly plan: Plan;
  readonly limits: AttemptLimits;
  /** When the whole call is over, in milliseconds since the epoch. */
  readonly deadline: number;
  /** Begun only when all of it is there. */
  readonly whole: boolean;
  /** Takes one request more than the plan has of what the platform allows the call, if there is one. */
  readonly takeRequest: () => boolean;
  /** Nobody else can serve the call. */
  readonly alone: boolean;
  /** Takes one of the provider's retries, if there is one. */
  readonly takeRetry: () => boolean;
}

const ENDED: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Makes as many upstream requests as the plan has jobs, under one signal. Resolves at the commit point: the first content of
 * every choice, or with `whole` the complete answer; or when it has failed before, with the upstream aborted. After the
 * commit point failures come out of `events`.
 */
export async function attempt(
  { provider, plan, limits, deadline, whole, alone, takeRequest, takeRetry }: Attempt,
  caller: AbortSignal,
  clock: Clock,
  observer: Observer,
): Promise<Outcome> {
  const controller = new AbortController();
  const { signal } = controller;
  const asked = clock.now();
  const abort = (reason: GatewayError) => controller.abort(reason);
  const onCallerGone = () => abort(abortReason(caller));
  if (caller.aborted) onCallerGone();
  else caller.addEventListener('abort', onCallerGone, { once: true });

  /** Whom it tells something that the attempt ended; a caller who leaves tells of nobody. */
  let fault: Fault = 'upstream';
  const around: Surroundings = {
    provider,
    limits,
    clock,
    signal,
    deadline,
    expire(error, by) {
      fault = by;
      abort(error);
    },
  };
  /** Requests that were sent and not refused. */
  const sent = new Set<Request>();
  const start = (job: Job): Request => {
    const request = upstreamRequest(job, around);
    sent.add(request);
    return request;
  };
  const end = () => {
    for (const request of sent) request.leave();
    caller.removeEventListener('abort', onCallerGone);
  };
  /** The truth about a failure: after an abort the reason is why it was aborted, whatever the upstream threw. */
  const failure = (thrown: unknown): GatewayError =>
    (signal.aborted ? abortReason(signal) : asGatewayError(thrown)).with({ provider: provider.id });

  let single: Request | undefined;
  let opened: Generation | undefined;
  let extraPrompts = 0;
  const keeper = truth(provider.id, plan.choices);
  const counter = tally(plan);
  /** What is said when all has been said: usage, where the provider gave none. */
  const complete = (): Event[] => {
    keeper.assertComplete();
    const told = counter.told();
    const usage = told ?? counter.count(extraPrompts);
    let unreadMs = 0;
    for (const request of sent) unreadMs = Math.max(unreadMs, request.unreadMs);
    observer.ended(usage, unreadMs);
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
    while (!done && (whole || !keeper.begun())) {
      const next = await events.next();
      if (next.done) done = true;
      else for (const event of keeper.filter(next.value)) first.push(event);
    }
    counter.note(first);
    first = counter.completed(first);
    if (keeper.begun()) observer.begun();
    if (done) {
      first.push(...complete());
      end();
      return answered(opened, onlyBatch(first));
    }
    let held: Event[] | undefined = first;
    let over = false;
    // By hand: an async generator on the way of every read costs a turn of the microtask queue for each await and yield.
    const following: AsyncIterator<Event[], undefined> = {
      async next() {
        if (over) return ENDED;
        if (held) {
          const value = held;
          held = undefined;
          return { done: false, value };
        }
        try {
          for (;;) {
            const next = await events.next();
            if (next.done) break;
            const filtered = keeper.filter(next.value);
            counter.note(filtered);
            const value = counter.completed(filtered);
            if (value.length > 0) return { done: false, value };
          }
          const last = complete();
          over = true;
          end();
          return last.length > 0 ? { done: false, value: last } : ENDED;
        } catch (thrown) {
          over = true;
          const error = failure(thrown);
          abort(error);
          end();
          if (!caller.aborted) observer.broke(error, fault);
          throw error;
        }
      },
      async return() {
        if (!over) {
          over = true;
          // The reader left before the end: nobody wants the rest, so the upstream must hear of it.
          abort(new GatewayError('canceled', 'The caller left before the answer was complete.'));
          end();
        }
        return ENDED;
      },
    };
    return answered(opened, { [Symbol.asyncIterator]: () => following });
  } catch (thrown) {
    const error = failure(thrown);
    const elapsedMs = clock.now() - asked;
    // Of several, those that were refused have been struck off.
    const maybeBilled = single ? mayBeBilled(error, { elapsedMs, stage: single.stage }) : sent.size > 0;
    abort(error);
    end();
    return { kind: 'failed', failure: { error, maybeBilled, fault } };
  }
}

/** Seen only when the first of them has come: the sheet will know it next time. */
const tooMany = (provider: string, missing: number): GatewayError =>
  new GatewayError(
    'invalid_request',
    `${provider} brings one choice for each request, and ${missing} more are too many for one call. Lower n.`,
    { provider, param: 'n' },
  );

const iterable = (source: AsyncIterator<Event[], unknown>): AsyncIterable<Event[]> => ({
  [Symbol.asyncIterator]: () => source,
});

const answered = (generation: Generation | undefined, events: AsyncIterable<Event[]>): Outcome => ({
  kind: 'answered',
  answer: {
    events,
    ...(generation?.upstreamId === undefined ? {} : { upstreamId: generation.upstreamId }),
    ...(generation?.upstreamModel === undefined ? {} : { upstreamModel: generation.upstreamModel }),
    ...(generation?.fingerprint === undefined ? {} : { fingerprint: generation.fingerprint }),
  },
});
