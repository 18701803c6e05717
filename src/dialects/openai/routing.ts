import * as v from 'valibot';
import type { Routing } from '../../core/index.ts';
import { problemOf } from './check.ts';
import { routing } from './fields.ts';

/** `provider` in our words. What is null is not set, as in all of OpenAI's API; what is false is. */
export function toRouting(wire: v.InferOutput<typeof routing>): Routing {
  const { prompt, completion } = wire.max_price ?? {};
  return {
    ...(wire.order ? { order: wire.order } : {}),
    ...(wire.only ? { only: wire.only } : {}),
    ...(wire.ignore ? { ignore: wire.ignore } : {}),
    ...(wire.allow_fallbacks == null ? {} : { allowFallbacks: wire.allow_fallbacks }),
    ...(wire.require_parameters == null ? {} : { requireParameters: wire.require_parameters }),
    ...(wire.sort ? { sort: wire.sort } : {}),
    ...(prompt == null && completion == null
      ? {}
      : { maxPrice: { ...(prompt == null ? {} : { prompt }), ...(completion == null ? {} : { completion }) } }),
    ...(wire.max_cost == null ? {} : { maxCost: wire.max_cost }),
    ...(wire.clamp_output == null ? {} : { clampOutput: wire.clamp_output }),
    ...(wire.deadline_ms == null ? {} : { deadlineMs: wire.deadline_ms }),
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
  if (read.success) return { routing: toRouting(read.output), mistakes: [] };
  const mistakes = read.issues.map((issue) => {
    const { param, text } = problemOf(issue);
    return `${param ? `${path}.${param}` : path}: ${text}`;
  });
  return { routing: {}, mistakes };
}
