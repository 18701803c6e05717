import type { GatewayError } from '../core/index.ts';
import type { Clock } from './clock.ts';
import type { Timer } from './limits.ts';

/** A timer, with what is said when it runs out. */
export interface Limit extends Timer {
  readonly error: () => GatewayError;
}

/**
 * One timer for one upstream request. Setting a timer costs more than a read does, so a new limit moves the timer only
 * where it falls due sooner, and a timer that rings early is set again for what is left.
 */
export interface Watchdog {
  /** From now on at most so much may pass. Replaces the limit before. */
  expect(limit: Limit): void;
  /** From now on every wait, from `listen` to `heard`, may take at most so much. Replaces the limit before. */
  expectEach(limit: Limit): void;
  /** Somebody waits for the upstream from `now` on. While nobody does, its silence is not its own. */
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
 * @param expire called once, with the limit that was broken first
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
