import type { GatewayError } from '../core/index.ts';
import type { Clock } from './clock.ts';

/**
 * One timer for a whole attempt. Setting a timer costs more than a read does, so `touch` only notes the time, a new limit
 * moves the timer only where it falls due sooner, and a timer that rings early is set again for what is left.
 */
export interface Watchdog {
  /** From now on at most `ms` may pass; with `rolling`, at most `ms` between two touches. Replaces the limit before. */
  expect(ms: number, error: () => GatewayError, rolling?: boolean): void;
  touch(): void;
  stop(): void;
}

interface Limit {
  readonly ms: number;
  readonly error: () => GatewayError;
  readonly rolling: boolean;
}

/**
 * @param whole the limit that holds from the start to `stop`, whatever else is expected
 * @param expire called once, with the error of the limit that was broken first
 */
export function watchdog(clock: Clock, whole: Omit<Limit, 'rolling'>, expire: (error: GatewayError) => void): Watchdog {
  const begun = clock.now();
  let limit: Limit | undefined;
  let since = begun;
  let ringsAt = Number.POSITIVE_INFINITY;
  let cancel: (() => void) | undefined;
  let stopped = false;

  const dueAt = (): number => Math.min(begun + whole.ms, limit ? since + limit.ms : Number.POSITIVE_INFINITY);
  const arm = (): void => {
    const due = dueAt();
    if (due >= ringsAt) return;
    cancel?.();
    ringsAt = due;
    cancel = clock.after(due - clock.now(), ring);
  };
  function ring(): void {
    ringsAt = Number.POSITIVE_INFINITY;
    cancel = undefined;
    if (stopped) return;
    const now = clock.now();
    if (now < dueAt()) {
      arm();
      return;
    }
    stopped = true;
    expire(limit && since + limit.ms <= now ? limit.error() : whole.error());
  }

  return {
    expect(ms, error, rolling = false) {
      limit = { ms, error, rolling };
      since = clock.now();
      arm();
    },
    touch() {
      if (limit?.rolling) since = clock.now();
    },
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
