import { formatDollars } from '../../core/index.ts';
import type { Alternative, Receipt } from '../../offers/index.ts';

/** The money of a usage, beside OpenAI's figures. Dollars as decimal strings; unknown is null and never zero. */
export interface WireCost {
  readonly cost: string | null;
  readonly cost_details: Readonly<Record<string, unknown>>;
}

export function toCost({ cost, failed }: Receipt): WireCost {
  const attempts = failed && {
    failed_attempts: {
      count: failed.count,
      at_most: failed.atMost === undefined ? null : formatDollars(failed.atMost),
    },
  };
  if (!cost.known) return { cost: null, cost_details: { price: null, reason: cost.reason, ...attempts } };
  return {
    cost: formatDollars(cost.total),
    cost_details: {
      prompt: formatDollars(cost.prompt),
      completion: formatDollars(cost.completion),
      cached: formatDollars(cost.cached),
      basis: cost.basis,
      price: cost.rule,
      ...(cost.estimate ? { estimate: true } : {}),
      ...attempts,
    },
  };
}

/** What the answer would have come to elsewhere, and what was saved against the dearest of them. */
export function toAlternatives(receipt: Receipt, alternatives: readonly Alternative[]): Record<string, unknown> {
  const { cost } = receipt;
  const savings = alternatives.flatMap(({ cost: other }) =>
    other === undefined || !cost.known ? [] : [other - cost.total],
  );
  savings.sort((a, b) => (a < b ? 1 : -1));
  const [most] = savings;
  return {
    alternatives: alternatives.map(({ provider, model, upstream, rule, cost: other }) => ({
      provider,
      model,
      provider_model: upstream,
      cost: other === undefined ? null : formatDollars(other),
      price: rule ?? null,
    })),
    // Below zero where this was the dearest.
    saved: most === undefined ? null : formatDollars(most),
  };
}
