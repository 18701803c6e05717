import * as v from 'valibot';
import { isObject, type NanoDollars } from '../../../src/core/index.ts';
import type { Answer, Listing } from './types.ts';

const price = v.pipe(v.number(), v.minValue(0));

/** A JSON number as nano-dollars: 15 digits are what a double holds of a decimal, and prices have far fewer. */
const nano = (value: number, scale: number): NanoDollars => BigInt(Math.round(value * scale));
const PER_MTOK = 1e9;
const PER_TOKEN = 1e15;
const CENTS_PER_TOKEN = 1e13;

/** Zero for cached tokens is how lists write that they know none. */
const cached = (value: number | undefined, scale: number): NanoDollars | undefined =>
  value ? nano(value, scale) : undefined;

/** Most of what ought to have a price must have one, or the field has changed its name and all would seem to be gone. */
function assertPriced(source: string, priced: number, all: number): void {
  if (all === 0 || priced * 2 < all) {
    throw new Error(`${source}: ${priced} of ${all} models have a price. Has the list changed its form?`);
  }
}

/** Ids of models as US regions have them; a profile of another geography has another price. */
const usId = (id: string): string => id.replace(/^us\./, '');

const together = v.array(
  v.looseObject({
    id: v.string(),
    type: v.string(),
    pricing: v.exactOptional(v.looseObject({ input: price, output: price, hourly: v.exactOptional(price) })),
  }),
);

/** `GET /v1/models` at Together (together-ai 0.52, resources/models): dollars for a million tokens. */
export function readTogether(json: unknown): Answer {
  const models = v.parse(together, json);
  const text = models.filter(({ type }) => ['chat', 'language', 'code', 'moderation'].includes(type));
  const listings = text.flatMap(({ id, pricing }): Listing[] =>
    // Zero for both is how a model without serverless price appears, not a gift.
    pricing === undefined || (pricing.input === 0 && pricing.output === 0)
      ? []
      : [
          {
            provider: 'together',
            offer: id,
            input: nano(pricing.input, PER_MTOK),
            output: nano(pricing.output, PER_MTOK),
          },
        ],
  );
  assertPriced('together-api', listings.length, text.length);
  const offers = new Map(models.map(({ id }) => [id, 'active' as const]));
  return { listings, served: { provider: 'together', offers } };
}

const awsModels = v.record(
  v.string(),
  v.looseObject({ model_lifecycle_status: v.picklist(['ACTIVE', 'LEGACY']), regions: v.array(v.string()) }),
);

/** mirai73/bedrock-models, `bedrock_models.json`: AWS `ListFoundationModels` of all regions, by model id. */
export function readAwsModels(json: unknown): Answer {
  const models = Object.entries(v.parse(awsModels, json));
  if (models.length === 0) throw new Error('aws-models: there are none. Has the list changed its form?');
  const offers = new Map(
    models.map(([id, { model_lifecycle_status: status }]) => [
      id,
      status === 'ACTIVE' ? ('active' as const) : ('ending' as const),
    ]),
  );
  return { listings: [], served: { provider: 'bedrock', offers } };
}

const unit = v.exactOptional(v.looseObject({ price }));
const portkey = v.record(
  v.string(),
  v.looseObject({
    pricing_config: v.looseObject({
      currency: v.exactOptional(v.literal('USD')),
      pay_as_you_go: v.exactOptional(v.looseObject({ request_token: unit, response_token: unit })),
    }),
  }),
);

/** Portkey-AI/models, `pricing/*.json`: cents for a token. Its `default` prices what it does not know at 0. */
export function readPortkey(json: unknown, provider: string): Answer {
  const models = Object.entries(v.parse(portkey, json)).filter(([id]) => id !== 'default');
  const listings = models.flatMap(
    ([
      id,
      {
        pricing_config: { pay_as_you_go: rates },
      },
    ]): Listing[] => {
      const { request_token: input, response_token: output } = rates ?? {};
      if (!input || !output) return [];
      return [
        {
          provider,
          offer: usId(id),
          input: nano(input.price, CENTS_PER_TOKEN),
          output: nano(output.price, CENTS_PER_TOKEN),
        },
      ];
    },
  );
  assertPriced(`portkey-${provider}`, listings.length, models.length);
  return { listings };
}

const litellm = v.record(
  v.string(),
  v.looseObject({
    litellm_provider: v.exactOptional(v.string()),
    mode: v.exactOptional(v.string()),
    input_cost_per_token: v.exactOptional(price),
    output_cost_per_token: v.exactOptional(price),
    cache_read_input_token_cost: v.exactOptional(price),
    deprecation_date: v.exactOptional(v.string()),
  }),
);

/** A list by itself, or within a file that says what it is. */
const listIn = (json: unknown, key: string): unknown => (isObject(json) && isObject(json[key]) ? json[key] : json);

const LITELLM_PROVIDERS: ReadonlyMap<string | undefined, string> = new Map([
  ['bedrock', 'bedrock'],
  ['bedrock_converse', 'bedrock'],
  ['replicate', 'replicate'],
  ['together_ai', 'together'],
]);

/** Where LiteLLM's keys are not the provider's ids: a missing slash, and Replicate's Llama 3 under names of its own. */
function litellmId(key: string, provider: string): string {
  if (provider === 'bedrock') return usId(key);
  const id = key.replace(/^(replicate|together_ai)\/?/, '');
  return provider === 'replicate' ? id.replace(/^meta\/llama-3-/, 'meta/meta-llama-3-') : id;
}

/** LiteLLM, `model_prices_and_context_window.json`: dollars for a token. Also a part of it, under `models`. */
export function readLitellm(json: unknown): Answer {
  const chats = Object.entries(v.parse(litellm, listIn(json, 'models'))).flatMap(([key, model]) => {
    const provider = LITELLM_PROVIDERS.get(model.litellm_provider);
    // `bedrock/eu-west-1/…` and `bedrock/…-commitment/…` are other prices of the same models.
    const other = provider === 'bedrock' && key.includes('/');
    return provider && !other && (model.mode === 'chat' || model.mode === 'completion')
      ? [{ key, model, provider }]
      : [];
  });
  const listings = chats.flatMap(({ key, model, provider }): Listing[] => {
    const { input_cost_per_token: input, output_cost_per_token: output } = model;
    if (input === undefined || output === undefined) return [];
    return [
      {
        provider,
        offer: litellmId(key, provider),
        input: nano(input, PER_TOKEN),
        output: nano(output, PER_TOKEN),
        cacheRead: cached(model.cache_read_input_token_cost, PER_TOKEN),
        ends: model.deprecation_date,
      },
    ];
  });
  assertPriced('litellm', listings.length, chats.length);
  return { listings };
}

const modelsDevModels = v.record(
  v.string(),
  v.looseObject({
    cost: v.exactOptional(v.looseObject({ input: price, output: price, cache_read: v.exactOptional(price) })),
  }),
);
/** `api.json` has the models of a provider under `models`; its folder of files, put together, has them at once. */
const modelsDevProvider = v.union([
  v.pipe(
    v.looseObject({ id: v.string(), models: modelsDevModels }),
    v.transform(({ models }) => models),
  ),
  modelsDevModels,
]);
const modelsDev = v.looseObject({ 'amazon-bedrock': modelsDevProvider, togetherai: modelsDevProvider });

/** models.dev, `api.json`: dollars for a million tokens. Also what its repository has of these providers, under `providers`. */
export function readModelsDev(json: unknown): Answer {
  const { 'amazon-bedrock': bedrock, togetherai } = v.parse(modelsDev, listIn(json, 'providers'));
  const read = (provider: string, models: v.InferOutput<typeof modelsDevModels>): Listing[] => {
    const all = Object.entries(models);
    const listings = all.flatMap(([id, { cost }]): Listing[] =>
      cost === undefined
        ? []
        : [
            {
              provider,
              offer: usId(id),
              input: nano(cost.input, PER_MTOK),
              output: nano(cost.output, PER_MTOK),
              cacheRead: cached(cost.cache_read, PER_MTOK),
            },
          ],
    );
    assertPriced('modelsdev', listings.length, all.length);
    return listings;
  };
  return { listings: [...read('bedrock', bedrock), ...read('together', togetherai)] };
}

/** A price, or one that grows with the length of the prompt: the first is that of a short one. */
const tiered = v.union([
  price,
  v.pipe(
    v.looseObject({ base: price }),
    v.transform(({ base }) => base),
  ),
]);
const mtokPrices = v.looseObject({
  input_mtok: v.exactOptional(tiered),
  output_mtok: v.exactOptional(tiered),
  cache_read_mtok: v.exactOptional(tiered),
});
/** Prices that change have a list, of which the last that has begun holds. */
const dated = v.array(
  v.looseObject({
    prices: mtokPrices,
    constraint: v.exactOptional(v.looseObject({ start_date: v.exactOptional(v.string()) })),
  }),
);
const genaiPrices = v.array(
  v.looseObject({
    id: v.string(),
    models: v.array(v.looseObject({ id: v.string(), match: v.unknown(), prices: v.union([dated, mtokPrices]) })),
  }),
);

const GENAI_PROVIDERS: ReadonlyMap<string, string> = new Map([
  ['aws', 'bedrock'],
  ['together', 'together'],
  ['replicate', 'replicate'],
]);

/** The ids that a rule for matching spells out. Of looser rules only the text is taken: it must be an offer's whole id. */
function spelled(match: unknown): string[] {
  if (!isObject(match)) return [];
  const { or, and, equals, contains, starts_with: start } = match;
  const alternatives = Array.isArray(or) ? or : Array.isArray(and) ? and : [];
  return [equals, contains, start].filter((text) => typeof text === 'string').concat(alternatives.flatMap(spelled));
}

/** `data.json` of genai-prices, which npm's `@pydantic/genai-prices` carries and updates itself from: dollars for a million tokens. */
export function readGenaiPrices(json: unknown, today: string): Answer {
  const providers = v.parse(genaiPrices, json);
  for (const needed of ['aws', 'together']) {
    if (!providers.some(({ id }) => id === needed)) throw new Error(`genai-prices: ${needed} is missing`);
  }
  const found = providers.flatMap(({ id, models }) => {
    const provider = GENAI_PROVIDERS.get(id);
    return provider ? models.map((model) => ({ provider, model })) : [];
  });
  let priced = 0;
  const listings = found.flatMap(({ provider, model }): Listing[] => {
    const { prices } = model;
    const begun = Array.isArray(prices)
      ? prices.findLast(({ constraint }) => (constraint?.start_date ?? '') <= today)?.prices
      : prices;
    const { input_mtok: input, output_mtok: output, cache_read_mtok: cacheRead } = begun ?? {};
    if (input === undefined || output === undefined) return [];
    priced++;
    const pair = {
      input: nano(input, PER_MTOK),
      output: nano(output, PER_MTOK),
      cacheRead: cached(cacheRead, PER_MTOK),
    };
    const ids = [model.id, ...spelled(model.match)].map((name) => (provider === 'bedrock' ? usId(name) : name));
    return [...new Set(ids)].map((offer) => ({ provider, offer, ...pair }));
  });
  assertPriced('genai-prices', priced, found.length);
  return { listings, loose: true };
}
