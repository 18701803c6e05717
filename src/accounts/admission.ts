/**
 * A call's account as the relay sees it: every attempt is covered before it is sent, and told of once when it has
 * ended. What the money is for is known to the relay alone, and how it is held to the account alone.
 */
import type { AttemptEnd, AttemptStart, GatewayError, NanoDollars } from '../core/index.ts';
import type { Cover } from './protocol.ts';

/** What is to be covered. */
export interface Need {
  readonly attempt: Omit<AttemptStart, 'attempt'>;
  /** Absent: what it costs has no known bound, or nobody asks. */
  readonly cover?: Cover;
  /** The most tokens it is expected to use, prompt and answer, for limits by the minute. */
  readonly tokens: number;
  /** When the call is over at the latest, in milliseconds since the epoch. */
  readonly deadline: number;
  /** An attempt whose hold pays for this one too. */
  readonly from?: number;
}

export type Covered =
  /** `attempt` is its number. `held` is less than `cover.most` where the budget has no more; absent without a budget. */
  | { readonly kind: 'held'; readonly attempt: number; readonly held?: NanoDollars }
  /** `left`: what the budget still has, where that is why. */
  | { readonly kind: 'refused'; readonly error: GatewayError; readonly left?: NanoDollars };

export interface Admission {
  /** A budget pays: costs must have a known bound. */
  readonly budgeted: boolean;
  /** Where the budget does not pay for a whole answer, offers for which it does are asked first. */
  readonly cheaper: boolean;
  /** Tokens by the minute are limited. */
  readonly metered: boolean;
  /** Attempts that share what one offer's cost is for: the samples of a vote. Otherwise 1. */
  readonly parts: number;
  /**
   * Covers an attempt. A promise only for a key with a budget or limits: nothing may be sent before. Throws what ends
   * the call, whatever the offer.
   */
  cover(need: Need): Covered | Promise<Covered>;
  /** Resolves with why the account refuses a call that is on its way already, if it does. Absent: it cannot. */
  readonly refusal: Promise<GatewayError | undefined> | undefined;
  /** The same for whoever is about to answer the caller, who waits for the account no longer than a moment. */
  admitted(): GatewayError | undefined | Promise<GatewayError | undefined>;
  /** Requests with this signal are the attempt's: they carry its place in the call's trace. Absent: they carry none. */
  readonly carry?: ((attempt: number, signal: AbortSignal) => void) | undefined;
  /** Tells once how an attempt ended. */
  end(end: AttemptEnd): void;
}
