import * as v from 'valibot';

/** The parts of the gateway's answers that this command reads. Other fields are ignored. */

const amount = v.string();

const offer = v.object({
  provider: v.string(),
  model: v.string(),
  provider_model: v.string(),
  route: v.optional(v.string()),
  eligible: v.boolean(),
  /** The position in which the gateway would try it. */
  rank: v.nullable(v.number()),
  prompt_tokens: v.nullable(v.number()),
  exactness: v.nullable(v.string()),
  context_length: v.nullable(v.number()),
  /** Dollars for the call. `max` is null if it has no upper bound. */
  cost: v.nullable(v.object({ expected: amount, max: v.nullable(amount) })),
  price: v.nullable(
    v.object({
      input_per_mtok: v.optional(amount),
      output_per_mtok: v.optional(amount),
      usd_per_second: v.optional(amount),
      usd_per_hour: v.optional(amount),
      tokens_per_second: v.optional(v.number()),
      age_days: v.optional(v.number()),
      stale: v.optional(v.boolean(), false),
    }),
  ),
  drops: v.array(v.string()),
  neutralised: v.optional(v.array(v.string()), []),
  latency: v.nullable(v.object({ ttft_ms: v.nullable(v.number()), tokens_per_second: v.nullable(v.number()) })),
  breaker: v.nullable(v.string()),
  why: v.array(v.string()),
  /** Why its cost is unknown. */
  unpriced: v.optional(v.string()),
  /** Why it is left out. */
  reason: v.optional(v.object({ message: v.string() })),
});

export const offerList = v.object({ data: v.array(offer) });

export const answer = v.object({
  model: v.string(),
  provider: v.string(),
  choices: v.array(
    v.object({
      text: v.optional(v.string()),
      message: v.optional(v.looseObject({ content: v.nullish(v.string()), tool_calls: v.optional(v.unknown()) })),
      finish_reason: v.nullable(v.string()),
    }),
  ),
  usage: v.object({
    prompt_tokens: v.number(),
    completion_tokens: v.number(),
    cost_exact: v.nullable(amount),
    cost_details: v.looseObject({
      prompt: v.optional(v.number()),
      completion: v.optional(v.number()),
      price: v.nullish(v.string()),
      basis: v.optional(v.string()),
      estimate: v.optional(v.boolean(), false),
      reason: v.optional(v.string()),
    }),
  }),
  chasqui: v.object({
    attempts: v.array(v.unknown()),
    alternatives: v.optional(
      v.array(
        v.object({ provider: v.string(), model: v.string(), provider_model: v.string(), cost: v.nullable(amount) }),
      ),
      [],
    ),
    saved: v.optional(v.nullable(amount), null),
  }),
});

export const refusal = v.object({ error: v.object({ message: v.string() }) });

export type Offer = v.InferOutput<typeof offer>;
export type Answer = v.InferOutput<typeof answer>;
