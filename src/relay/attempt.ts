import {
  abortReason,
  asGatewayError,
  type Event,
  GatewayError,
  type Generation,
  orAbort,
  type Provider,
  type Usage,
} from '../core/index.ts';
import type { Plan } from '../offers/index.ts';
import type { Clock } from './clock.ts';
import { tally } from './estimate.ts';
import { type AttemptLimits, timedOut } from './limits.ts';
import { mergeGenerations } from './merge.ts';
import { applyStop } from './stop.ts';
import { truth } from './truth.ts';
import { watchdog } from './watchdog.ts';

/** An answer that is there: its first content (or, for a JSON answer, all of it) has come, and the rest follows. */
export interface Answer {
  readonly events: AsyncIterable<Event[]>;
  readonly upstreamId?: string;
  readonly upstreamModel?: string;
  readonly fingerprint?: string;
}

/** Who keeps account of attempts. */
export interface Observer {
  /** The first content of every choice is here. */
  begun(): void;
  /** All is here, with what it came to. */
  ended(usage: Usage): void;
  /** It broke after it had begun; what breaks before is thrown. */
  broke(error: GatewayError): void;
}

const ENDED: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * One try at one offer: as many upstream requests as its plan has jobs, under one set of timers and one signal.
 * Resolves at the commit point: the first content of every choice, or with `whole` the complete answer. Before it
 * every failure is a rejection, and the upstream has been aborted; after it failures come out of `events`.
 */
export async function attempt(
  provider: Provider,
  plan: Plan,
  whole: boolean,
  limits: AttemptLimits,
  caller: AbortSignal,
  clock: Clock,
  observer: Observer,
): Promise<Answer> {
  const controller = new AbortController();
  const { signal } = controller;
  const abort = (reason: GatewayError) => controller.abort(reason);
  const onCallerGone = () => abort(abortReason(caller));
  if (caller.aborted) onCallerGone();
  else caller.addEventListener('abort', onCallerGone, { once: true });
  const deadline = { ms: limits.totalMs, error: () => timedOut(provider.id, 'did not finish', limits.totalMs) };
  const dog = watchdog(clock, deadline, abort);
  const end = () => {
    dog.stop();
    caller.removeEventListener('abort', onCallerGone);
  };
  /** The truth about a failure: after an abort the reason is why it was aborted, whatever the upstream threw. */
  const failure = (thrown: unknown): GatewayError =>
    (signal.aborted ? abortReason(signal) : asGatewayError(thrown)).with({ provider: provider.id });

  let events: AsyncIterator<Event[]> | undefined;
  try {
    dog.expect(limits.connectMs, () => timedOut(provider.id, 'did not answer', limits.connectMs));
    const started = plan.jobs.map((job) => provider.generate(job, signal));
    const generations = await orAbort(Promise.all(started), signal);
    dog.expect(limits.firstTokenMs, () => timedOut(provider.id, 'sent no token', limits.firstTokenMs));

    events = stream(generations, plan)[Symbol.asyncIterator]();
    const keeper = truth(provider.id, plan.choices);
    const counter = tally(plan);
    /** What is said when all has been said: usage, where the provider gave none. */
    const complete = (): Event[] => {
      keeper.assertComplete();
      const told = counter.told();
      const usage = told ?? counter.count();
      observer.ended(usage);
      return told ? [] : [{ type: 'usage', usage }];
    };
    const first: Event[] = [];
    let done = false;
    while (!done && (whole || !keeper.begun())) {
      const next = await events.next();
      if (next.done) done = true;
      else for (const event of keeper.filter(next.value)) first.push(event);
    }
    counter.note(first);
    if (keeper.begun()) observer.begun();
    if (done) {
      first.push(...complete());
      end();
      return { ...identity(generations), events: once(first) };
    }
    dog.expect(limits.idleMs, () => timedOut(provider.id, 'went silent: no data', limits.idleMs), true);
    const rest = events;
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
            const next = await rest.next();
            if (next.done) break;
            dog.touch();
            const value = keeper.filter(next.value);
            counter.note(value);
            if (value.length > 0) return { done: false, value };
          }
          const last = complete();
          over = true;
          end();
          return last.length > 0 ? { done: false, value: last } : ENDED;
        } catch (thrown) {
          over = true;
          const error = failure(thrown);
          end();
          abort(error);
          observer.broke(error);
          throw error;
        }
      },
      async return() {
        if (!over) {
          over = true;
          end();
          // The reader left before the end: nobody wants the rest, so the upstream must hear of it.
          abort(new GatewayError('canceled', 'The caller left before the answer was complete.'));
        }
        return ENDED;
      },
    };
    return { ...identity(generations), events: { [Symbol.asyncIterator]: () => following } };
  } catch (thrown) {
    const error = failure(thrown);
    end();
    abort(error);
    events?.return?.()?.catch(() => undefined);
    throw error;
  }
}

function stream(generations: readonly Generation[], plan: Plan): AsyncIterable<Event[]> {
  const [only] = generations;
  const merged = generations.length === 1 && only ? only.events : mergeGenerations(generations, plan.choicesPerJob);
  return plan.stop.length > 0 ? applyStop(merged, plan.stop, plan.choices) : merged;
}

async function* once(batch: Event[]): AsyncGenerator<Event[], void, undefined> {
  yield batch;
}

function identity(generations: readonly Generation[]): Omit<Answer, 'events'> {
  const [first] = generations;
  return {
    ...(first?.upstreamId === undefined ? {} : { upstreamId: first.upstreamId }),
    ...(first?.upstreamModel === undefined ? {} : { upstreamModel: first.upstreamModel }),
    ...(first?.fingerprint === undefined ? {} : { fingerprint: first.fingerprint }),
  };
}
