import { type Costing, costOf, estimateCost } from '../catalog/index.ts';
import { completionTokens, type NanoDollars, type Usage } from '../core/index.ts';
import type { Candidate, OfferSheet } from './types.ts';

/** What a call cost, and what the same answer would have cost at the other offers. */

export interface Receipt {
  readonly cost: Costing;
  /** Failed attempts that may have been billed: how many, and the most they can have cost; undefined if unknown. */
  readonly failed?: { readonly count: number; readonly atMost: NanoDollars | undefined };
}

/** Prices a usage by the price row with which its offer was ranked. */
export function receiptOf(offer: Candidate, maybeBilled: readonly Candidate[], usage: Usage): Receipt {
  const { priced } = offer;
  const cost: Costing = priced.known ? costOf(priced.row, usage) : { known: false, reason: priced.reason };
  if (maybeBilled.length === 0) return { cost };
  const bounds = maybeBilled.map((failed) => failed.cost?.max);
  const known = bounds.filter((bound) => bound !== undefined);
  const atMost = known.length < bounds.length ? undefined : known.reduce((sum, bound) => sum + bound, 0n);
  return { cost, failed: { count: maybeBilled.length, atMost } };
}

/** The cost of the same answer at another offer. */
export interface Alternative {
  readonly provider: string;
  readonly model: string;
  readonly upstream: string;
  readonly rule: string | undefined;
  /** Undefined if unknown. */
  readonly cost: NanoDollars | undefined;
}

/** The other eligible offers, each with the prompt as it would have read it and an answer as long as this one. */
export function alternativesTo(
  offer: Candidate,
  { eligible }: OfferSheet,
  usage: Usage,
  choices: number,
): readonly Alternative[] {
  const out = completionTokens(usage);
  return (
    eligible
      // The offer may have served the call in its form without a schema.
      .filter((other) => other !== offer && other.plain !== offer)
      .map((other) => {
        const { provider, model, upstream, priced, prompt, reportsExtra, nativeN, sends } = other;
        const prompts = sends.form === 'prompts' ? sends.prompts.length : 1;
        const times = nativeN ? 1 : choices / prompts;
        const input = (prompt.total + reportsExtra * prompts) * times;
        const range = priced.known ? estimateCost(priced.row, input, out, out, out) : undefined;
        return {
          provider,
          model,
          upstream,
          rule: priced.known ? priced.row.id : undefined,
          cost: range?.expected,
        };
      })
  );
}
