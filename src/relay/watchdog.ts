import type { GatewayError } from '../core/index.ts';
import type { Clock } from './clock.ts';

/**
 * One timer for a whole stream. `touch` only notes the time, so a read costs no timer; the timer re-arms itself when it
 * fires early. `expire` is called once, with the error of the limit that was broken.
 */
export interface Watchdog {
  /** From now on at most `ms` may pass; with `rolling`, at most `ms` between two touches. */
  expect(ms: number, error: () => GatewayError, rolling?: boolean): void;
  touch(): void;
  stop(): void;
}

export function watchdog(clock: Clock, expire: (error: GatewayError) => void): Watchdog {
  let limit: { ms: number; error: () => GatewayError; rolling: boolean } | undefined;
  let since = 0;
  let touched = 0;
  let cancel: (() => void) | undefined;

  const check = () => {
    cancel = undefined;
    if (!limit) return;
    const due = (limit.rolling ? Math.max(since, touched) : since) + limit.ms;
    const left = due - clock.now();
    if (left > 0) {
      cancel = clock.after(left, check);
      return;
    }
    const { error } = limit;
    limit = undefined;
    expire(error());
  };

  return {
    expect(ms, error, rolling = false) {
      cancel?.();
      limit = { ms, error, rolling };
      since = clock.now();
      cancel = clock.after(ms, check);
    },
    touch() {
      touched = clock.now();
    },
    stop() {
      limit = undefined;
      cancel?.();
      cancel = undefined;
    },
  };
}
