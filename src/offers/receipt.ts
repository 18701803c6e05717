import { type Costing, costOf, rangeOf } from '../catalog/index.ts';
import { completionTokens, type NanoDollars, type Usage } from '../core/index.ts';
import type { Candidate, OfferSheet } from './types.ts';

/** What a call came to. */
export interface Receipt {
  readonly cost: Costing;
  /** Attempts that failed and may have been billed: how many, and at most how much; undefined where nobody knows. */
  readonly failed?: { readonly count: number; readonly atMost: NanoDollars | undefined };
}

/** Prices a usage by the rule that its offer was ranked by. */
export function receiptOf(offer: Candidate, maybeBilled: readonly Candidate[], usage: Usage): Receipt {
  const { priced } = offer;
  const cost: Costing = priced.known ? costOf(priced.row, usage) : { known: false, reason: priced.reason };
  if (maybeBilled.length === 0) return { cost };
  const bounds = maybeBilled.map((failed) => failed.cost?.max);
  const known = bounds.filter((bound) => bound !== undefined);
  const atMost = known.length < bounds.length ? undefined : known.reduce((sum, bound) => sum + bound, 0n);
  return { cost, failed: { count: maybeBilled.length, atMost } };
}

/** What the same answer would have come to at another offer. */
export interface Alternative {
  readonly provider: string;
  readonly model: string;
  readonly upstream: string;
  readonly rule: string | undefined;
  /** Undefined is unknown. */
  readonly cost: NanoDollars | undefined;
}

/**
 * The other offers that could have served the call, at the prompt that each of them would have read and an answer as long
 * as this one.
 */
export function alternativesTo(
  offer: Candidate,
  { eligible }: OfferSheet,
  usage: Usage,
  choices: number,
): readonly Alternative[] {
  const out = completionTokens(usage);
  return (
    eligible
      // The offer may have served the call in its other form.
      .filter((other) => other !== offer && other.plain !== offer)
      .map((other) => {
        const { provider, model, upstream, priced, prompt, reportsExtra, nativeN, sends } = other;
        const prompts = sends.form === 'prompts' ? sends.prompts.length : 1;
        const times = nativeN ? 1 : choices / prompts;
        const input = (prompt.total + reportsExtra * prompts) * times;
        const range = priced.known ? rangeOf(priced.row, input, out, out, out) : undefined;
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
