import {
  abortReason,
  type Event,
  type GatewayError,
  type Generation,
  type Job,
  orAbort,
  type Provider,
} from '../core/index.ts';
import type { Clock } from './clock.ts';
import { type AttemptLimits, type Fault, timedOut } from './limits.ts';
import { saysSomething } from './truth.ts';
import { type Limit, watchdog } from './watchdog.ts';

/** What all upstream requests of one attempt share. */
export interface Surroundings {
  readonly provider: Provider;
  readonly limits: AttemptLimits;
  readonly clock: Clock;
  /** Aborted when the attempt is over, however. */
  readonly signal: AbortSignal;
  /** When the whole call is over, in milliseconds since the epoch. */
  readonly deadline: number;
  /** A timer has run out: it aborts the attempt. */
  expire(error: GatewayError, fault: Fault): void;
}

/** How far one upstream request has come: it was sent; answered with success; said something. */
export type Stage = 'asked' | 'answered' | 'speaking';

/** One upstream request under timers of its own, from its own start. */
export interface Request {
  readonly job: Job;
  readonly stage: Stage;
  /** Milliseconds for which it had something and nobody read it, because the caller was slow. */
  readonly unreadMs: number;
  /** Resolves once the upstream has answered. */
  open(): Promise<Generation>;
  /** The next events; only after `open`. */
  next(): Promise<IteratorResult<Event[], undefined>>;
  /** Nobody wants the rest. */
  leave(): void;
}

const ENDED: IteratorReturnResult<undefined> = { done: true, value: undefined };

export function upstreamRequest(job: Job, around: Surroundings): Request {
  const { provider, limits, clock, signal, deadline, expire } = around;
  const limit = (ms: number, fault: Fault, what: string): Limit => ({
    ms,
    fault,
    error: () => timedOut(provider.id, what, ms),
  });
  const asked = clock.now();
  const whole: Limit = {
    ...limit(limits.total.ms, limits.total.fault, 'did not finish'),
    ms: Math.max(1, deadline - asked),
  };
  const dog = watchdog(clock, whole, (broken) => {
    // The whole call's deadline tells nothing of an answer that has begun and only needs its time.
    expire(broken.error(), broken === whole && stage === 'speaking' ? 'nobody' : broken.fault);
  });
  let stage: Stage = 'asked';
  let events: AsyncIterator<Event[]> | undefined;
  let unreadMs = 0;
  let heardAt = 0;
  let over = false;
  let starting = false;
  /** Its one batch is here already. */
  let complete = false;
  /** The first content is waited for from now on, and has been for so many milliseconds. */
  function wait(since: number): void {
    const { content, coldStartMs } = limits;
    const ms = starting ? Math.max(content.ms, coldStartMs ?? 0) : content.ms;
    dog.expect({ ...limit(ms, content.fault, 'sent no token'), ms: Math.max(1, ms - since) });
  }
  const close = (): void => {
    over = true;
    dog.stop();
  };

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
      dog.expect(limit(answer.ms, answer.fault, 'did not answer'));
      try {
        const generation = await orAbort(provider.generate(job, signal), signal);
        stage = 'answered';
        starting = generation.starting === true;
        complete = generation.complete === true;
        if (complete) dog.stop();
        else wait(limits.content.from === 'asking' ? clock.now() - asked : 0);
        events = generation.events[Symbol.asyncIterator]();
        return generation;
      } catch (thrown) {
        close();
        throw thrown;
      }
    },
    async next() {
      if (!events) return ENDED;
      if (complete) {
        if (over) return ENDED;
        if (signal.aborted) throw abortReason(signal);
        const turn = await events.next();
        if (turn.done !== true && turn.value.some(saysSomething)) stage = 'speaking';
        close();
        return turn;
      }
      const now = clock.now();
      if (heardAt > 0) unreadMs += now - heardAt;
      dog.listen(now);
      try {
        // Until there is content to lose, the next offer does not wait for this one to hear that it was aborted.
        const turn = await (stage === 'speaking' ? events.next() : orAbort(events.next(), signal));
        if (turn.done) {
          close();
          return ENDED;
        }
        // A batch of nothing says that the answer is under way: its length alone is no reason to cut it.
        if (turn.value.length === 0 && stage === 'answered') wait(0);
        if (stage === 'speaking') {
          dog.heard();
          heardAt = clock.now();
        } else if (turn.value.some(saysSomething)) {
          stage = 'speaking';
          dog.expectEach(limit(limits.idleMs, 'upstream', 'went silent: no data'));
          heardAt = clock.now();
        }
        return turn;
      } catch (thrown) {
        close();
        throw thrown;
      }
    },
    leave() {
      if (over) return;
      close();
      // What it makes of it concerns nobody any more.
      events?.return?.()?.catch(() => undefined);
    },
  };
}
