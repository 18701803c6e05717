import * as v from 'valibot';
import { MARKER_MODES, parseDollars } from '../../core/index.ts';

/** The building blocks of both request bodies. OpenAI takes `null` for a field that is not set; so do we. */

const finite = v.pipe(v.number(), v.finite('must be a finite number'));
const between = (low: number, high: number) =>
  v.pipe(finite, v.minValue(low, `must be at least ${low}`), v.maxValue(high, `must be at most ${high}`));
const integer = (low: number, high = Number.MAX_SAFE_INTEGER) =>
  v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(low, `must be at least ${low}`),
    v.maxValue(high, `must be at most ${high}`),
  );
export const optional = <T extends v.GenericSchema>(schema: T) => v.nullish(schema);

/** Providers differ in how many they take; OpenAI takes 4. */
const MAX_STOPS = 16;
const MAX_STOP_LENGTH = 500;
/** As many as OpenAI's. Where the provider has no `n`, each is a request of its own. */
export const MAX_CHOICES = 128;
const MAX_NAMES = 32;

const name = v.pipe(
  v.string(),
  v.minLength(1, 'must not be empty'),
  v.maxLength(512, 'must be at most 512 characters'),
);
const names = v.pipe(
  v.array(name),
  v.minLength(1, 'must name at least one'),
  v.maxLength(MAX_NAMES, `must name at most ${MAX_NAMES}`),
);
const stopString = v.pipe(v.string(), v.maxLength(MAX_STOP_LENGTH, `must be at most ${MAX_STOP_LENGTH} characters`));

/** An amount as people write it, as a number or as text: a double holds every price there is to the nano-dollar. */
const dollars = v.pipe(
  v.union([finite, v.string()], 'must be an amount in dollars, like 0.5 or "0.5"'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parseDollars(typeof dataset.value === 'number' ? dataset.value.toFixed(9) : dataset.value);
    } catch {
      addIssue({ message: 'must be an amount in dollars, 0 or more, with at most 9 decimals' });
      return NEVER;
    }
  }),
);

/** The grammar of `provider`, in a body and in a named route. */
export const routing = v.strictObject({
  order: optional(names),
  only: optional(names),
  ignore: optional(names),
  allow_fallbacks: optional(v.boolean()),
  require_parameters: optional(v.boolean()),
  deadline_ms: optional(integer(1)),
  sort: optional(v.picklist(['price', 'latency', 'throughput'], 'must be "price", "latency" or "throughput"')),
  max_price: optional(v.strictObject({ prompt: optional(dollars), completion: optional(dollars) })),
  max_cost: optional(dollars),
  clamp_output: optional(v.boolean()),
});

/** Ours: how a chat becomes a prompt. */
const template = v.strictObject({
  name: optional(name),
  markers: optional(v.picklist(MARKER_MODES, 'must be "reject", "neutralise" or "allow"')),
});

/** What both bodies share, by OpenAI's names and those that open-model servers have added to them. */
export const shared = {
  model: optional(name),
  models: optional(names),
  provider: optional(routing),
  template: optional(template),
  max_tokens: optional(integer(1)),
  temperature: optional(between(0, 2)),
  top_p: optional(between(0, 1)),
  top_k: optional(integer(-1)),
  min_p: optional(between(0, 1)),
  seed: optional(v.pipe(v.number(), v.integer('must be a whole number'))),
  frequency_penalty: optional(between(-2, 2)),
  presence_penalty: optional(between(-2, 2)),
  repetition_penalty: optional(between(0, 10)),
  logit_bias: optional(v.record(v.string(), between(-100, 100))),
  n: optional(integer(1, MAX_CHOICES)),
  stop: optional(
    v.union(
      [stopString, v.pipe(v.array(stopString), v.maxLength(MAX_STOPS, `must have at most ${MAX_STOPS} strings`))],
      'must be a string or a list of strings',
    ),
  ),
  stream: optional(v.boolean()),
  stream_options: optional(
    v.strictObject({ include_usage: optional(v.boolean()), include_obfuscation: optional(v.boolean()) }),
  ),
  user: optional(v.string()),
  vote: optional(v.unknown()),
};

export { between, integer };
