/** Covers attempts from the budget of the key that pays: what each needs, and which offers the money left is enough for. */
import type { Admission, Covered } from '../accounts/index.ts';
import { type AttemptReport, formatDollars, GatewayError, type NanoDollars } from '../core/index.ts';
import type { Candidate } from '../offers/index.ts';

/** An offer that the budget did not pay for. */
interface Shortage {
  readonly offer: Candidate;
  readonly error: GatewayError;
  /** What the call comes to there with the shortest answer. */
  readonly least: NanoDollars;
  readonly left: NanoDollars | undefined;
}

/** An attempt that may be sent, and the offer as the budget pays for it. */
export interface Admitted {
  readonly attempt: number;
  readonly offer: Candidate;
  readonly held: NanoDollars | undefined;
  /** The offer that would have come first, if the budget paid for a whole answer of it. */
  readonly insteadOf?: Candidate | undefined;
}

export interface Coverage {
  /**
   * Covers one attempt. Undefined if the budget does not pay for it: then the next offer is to be tried. Throws what no
   * offer can change.
   */
  cover(offer: Candidate, requests: number): Admitted | undefined | Promise<Admitted | undefined>;
  /**
   * When no offer is left: those that the budget pays for with a shorter answer, if such were put aside. Asked once.
   */
  shorter(): readonly Candidate[];
  /** Why no offer could be paid for, if that is why the call was not served. */
  shortage(attempts: readonly AttemptReport[]): GatewayError | undefined;
}

const nameOf = ({ provider, upstream }: Candidate): string => `${provider}'s ${upstream}`;

const insteadWhy = (first: Candidate, left: NanoDollars | undefined): string =>
  `The budget of the key does not pay for a whole answer of ${nameOf(first)}${left === undefined ? '' : ` ($${formatDollars(left)} is left)`}, so this one was asked instead.`;

/**
 * @param deadline when the call is over, in milliseconds since the epoch
 * @param now milliseconds since the epoch
 */
export function coverage(account: Admission, deadline: number, now: () => number): Coverage {
  const shortages: Shortage[] = [];
  /** What was left when the account last said so. */
  let left: NanoDollars | undefined;
  /** Whole answers only: others are put aside. */
  let whole = account.cheaper;

  function settled(offer: Candidate, covered: Covered, need: Need | undefined): Admitted | undefined {
    if (covered.kind === 'refused') {
      if (covered.error.code !== 'insufficient_budget' || !need) throw covered.error;
      left = covered.left;
      shortages.push({ offer, error: covered.error, least: need.least, left });
      return undefined;
    }
    const { attempt, held } = covered;
    if (!need || held === undefined || held >= need.most) {
      const insteadOf = whole ? shortages[0]?.offer : undefined;
      if (insteadOf) offer.explain?.(() => [insteadWhy(insteadOf, left)]);
      return { attempt, offer, held, insteadOf };
    }
    const cut = offer.within?.(held);
    if (cut) return { attempt, offer: cut, held };
    // Less is held than the shortest answer can cost.
    account.end({ attempt, outcome: 'insufficient_budget', money: 'released', ended: now() });
    const error = new GatewayError('insufficient_budget', 'The budget of this key is used up.');
    shortages.push({ offer, error, least: need.least, left: held });
    return undefined;
  }

  interface Need {
    readonly most: NanoDollars;
    readonly least: NanoDollars;
  }

  return {
    cover(offer, requests) {
      const bound = account.budgeted ? offer.bound?.() : undefined;
      const need = bound && { most: bound.most, least: whole || offer.strict ? bound.most : bound.least };
      if (need && left !== undefined && need.least > left) {
        // Known already, without asking.
        const error = shortages.at(-1)?.error ?? new GatewayError('insufficient_budget', 'Too little is left.');
        shortages.push({ offer, error, least: bound.least, left });
        return undefined;
      }
      const { provider, service, model, upstream, api } = offer;
      const covered = account.cover({
        attempt: {
          model,
          provider,
          ...(service === undefined ? {} : { service }),
          upstream,
          api,
          requests,
          started: now(),
        },
        ...(need ? { cover: need } : {}),
        tokens: account.budgeted || account.metered ? (offer.tokensExpected?.() ?? 0) : 0,
        deadline,
      });
      return covered instanceof Promise
        ? covered.then((known) => settled(offer, known, need))
        : settled(offer, covered, need);
    },
    shorter() {
      if (!whole) return [];
      whole = false;
      left = undefined;
      return shortages.splice(0).map(({ offer }) => offer);
    },
    shortage(attempts) {
      const [cheapest] = shortages.toSorted((a, b) => (a.least < b.least ? -1 : Number(a.least > b.least)));
      if (!cheapest) return undefined;
      const { offer, error, least, left: had } = cheapest;
      const why =
        had === undefined
          ? error.message
          : `${error.message} $${formatDollars(had)} is left, and even the shortest answer of ${nameOf(offer)} can cost $${formatDollars(least)}: $${formatDollars(least - had)} is missing.`;
      return new GatewayError('insufficient_budget', why, attempts.length > 0 ? { attempts } : {});
    },
  };
}
