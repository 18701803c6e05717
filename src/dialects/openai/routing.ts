import * as v from 'valibot';
import type { Routing } from '../../core/index.ts';
import { problemOf } from './check.ts';
import { routing } from './fields.ts';

type Wire = v.InferOutput<typeof routing>;

/** OpenRouter's figure alone is the median. */
const medianOf = (wire: Wire['preferred_min_throughput']): number | undefined =>
  (typeof wire === 'object' ? wire?.p50 : wire) ?? undefined;

const hasOtherPercentile = (wire: Wire['preferred_min_throughput']): boolean =>
  typeof wire === 'object' && wire !== null && [wire.p75, wire.p90, wire.p99].some((limit) => limit != null);

/**
 * Wishes that nothing here can grant, by the caller's names. What concerns money or privacy is never among them. Nobody says
 * in what precision Bedrock, Replicate and Together serve a model; and of speeds only the usual one is known.
 */
function unmetIn(wire: Wire): string[] {
  const asked: readonly (readonly [string, boolean])[] = [
    ['quantizations', (wire.quantizations?.length ?? 0) > 0 && !wire.quantizations?.includes('unknown')],
    ['enforce_distillable_text', wire.enforce_distillable_text === true],
    ['sort.partition', typeof wire.sort === 'object' && wire.sort?.partition === 'none'],
    ['preferred_min_throughput', hasOtherPercentile(wire.preferred_min_throughput)],
    ['preferred_max_latency', hasOtherPercentile(wire.preferred_max_latency)],
  ];
  return asked.filter(([, unmet]) => unmet).map(([field]) => `provider.${field}`);
}

/** `provider` in our words. What is null is not set, as in all of OpenAI's API; what is false is. */
export function toRouting(wire: Wire): Routing {
  const { prompt, completion } = wire.max_price ?? {};
  const sort = typeof wire.sort === 'object' ? wire.sort?.by : wire.sort;
  const throughput = medianOf(wire.preferred_min_throughput);
  const latency = medianOf(wire.preferred_max_latency);
  const unmet = unmetIn(wire);
  return {
    ...(wire.order ? { order: wire.order } : {}),
    ...(wire.only ? { only: wire.only } : {}),
    ...(wire.ignore ? { ignore: wire.ignore } : {}),
    ...(wire.allow_fallbacks == null ? {} : { allowFallbacks: wire.allow_fallbacks }),
    ...(wire.require_parameters == null ? {} : { requireParameters: wire.require_parameters }),
    ...(wire.data_collection === 'deny' ? { noCollection: true } : {}),
    ...(wire.zdr ? { noRetention: true } : {}),
    ...(sort ? { sort } : {}),
    ...(throughput === undefined ? {} : { preferredMinThroughput: throughput }),
    // OpenRouter's are seconds.
    ...(latency === undefined ? {} : { preferredMaxLatencyMs: latency * 1000 }),
    ...(prompt == null && completion == null
      ? {}
      : { maxPrice: { ...(prompt == null ? {} : { prompt }), ...(completion == null ? {} : { completion }) } }),
    ...(wire.max_cost == null ? {} : { maxCost: wire.max_cost }),
    ...(wire.clamp_output == null ? {} : { clampOutput: wire.clamp_output }),
    ...(wire.deadline_ms == null ? {} : { deadlineMs: wire.deadline_ms }),
    ...(wire.allow_policy_fallbacks == null ? {} : { allowPolicyFallbacks: wire.allow_policy_fallbacks }),
    ...(unmet.length > 0 ? { unmet } : {}),
  };
}

/**
 * `provider` where it is no caller's but configuration's: every mistake at once, each a sentence.
 *
 * @param path where `value` stands: `CHASQUI_ROUTES.cheap.provider`
 */
export function readRouting(
  value: unknown,
  path: string,
): { readonly routing: Routing; readonly mistakes: readonly string[] } {
  const read = v.safeParse(routing, value);
  if (read.success) {
    const { unmet = [], ...routing } = toRouting(read.output);
    // A caller is told so in the answer; whoever writes the configuration is not there then.
    return {
      routing,
      mistakes: unmet.map((field) => `${path}${field.slice('provider'.length)}: cannot be honoured here.`),
    };
  }
  const mistakes = read.issues.map((issue) => {
    const { param, text } = problemOf(issue);
    return `${param ? `${path}.${param}` : path}: ${text}`;
  });
  return { routing: {}, mistakes };
}
