import { formatDollars, type NanoDollars } from '../../core/index.ts';
import type { Alternative, Receipt } from '../../offers/index.ts';

/**
 * The money of a usage, beside OpenAI's figures, under OpenRouter's names where it has them
 * (https://openrouter.ai/docs/use-cases/usage-accounting). Dollars are numbers, because clients add them up; the exact
 * amount stands beside them as a decimal string. Unknown is null and never zero.
 */
export interface WireCost {
  readonly cost: number | null;
  readonly cost_exact: string | null;
  /** False: `cost` is everything. Clients of OpenRouter add `upstream_inference_cost` to it where this is true. */
  readonly is_byok: false;
  readonly cost_details: Readonly<Record<string, unknown>>;
}

/** Dollars as a number: the one nearest to the exact amount, which every amount below nine million dollars gets back from it. */
const dollars = (amount: NanoDollars): number => Number(formatDollars(amount));

export function toCost({ cost, failed }: Receipt): WireCost {
  const attempts = failed && {
    failed_attempts: {
      count: failed.count,
      at_most: failed.atMost === undefined ? null : dollars(failed.atMost),
    },
  };
  if (!cost.known) {
    const details = { price: null, reason: cost.reason, ...attempts };
    return { cost: null, cost_exact: null, is_byok: false, cost_details: details };
  }
  return {
    cost: dollars(cost.total),
    cost_exact: formatDollars(cost.total),
    is_byok: false,
    cost_details: {
      upstream_inference_cost: dollars(cost.total),
      upstream_inference_prompt_cost: dollars(cost.prompt + cost.cached),
      upstream_inference_completions_cost: dollars(cost.completion),
      prompt: dollars(cost.prompt),
      completion: dollars(cost.completion),
      cached: dollars(cost.cached),
      basis: cost.basis,
      price: cost.rule,
      ...(cost.estimate ? { estimate: true } : {}),
      ...attempts,
    },
  };
}

/** What the answer would have come to elsewhere, and what was saved compared with the most expensive of them. */
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
    // Below zero where this was the most expensive.
    saved: most === undefined ? null : formatDollars(most),
  };
}
