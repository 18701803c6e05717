import * as v from 'valibot';
import type { CatalogProvider } from '../../../src/catalog/index.ts';
import type { NanoDollars } from '../../../src/core/index.ts';
import type { Answer, Listing } from './types.ts';

const price = v.pipe(v.number(), v.minValue(0));

/** A JSON number as nano-dollars: 15 digits are what a double holds of a decimal, and prices have far fewer. */
const nano = (value: number, scale: number): NanoDollars => BigInt(Math.round(value * scale));
const PER_MTOK = 1e9;
const PER_TOKEN = 1e15;
const CENTS_PER_TOKEN = 1e13;

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
export function readPortkey(json: unknown, provider: CatalogProvider): Answer {
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
  }),
);

const LITELLM_PROVIDERS: ReadonlyMap<string | undefined, CatalogProvider> = new Map([
  ['bedrock', 'bedrock'],
  ['bedrock_converse', 'bedrock'],
  ['replicate', 'replicate'],
  ['together_ai', 'together'],
]);

/** Where LiteLLM's keys are not the provider's ids: a missing slash, and Replicate's Llama 3 under names of its own. */
function litellmId(key: string, provider: CatalogProvider): string {
  if (provider === 'bedrock') return usId(key);
  const id = key.replace(/^(replicate|together_ai)\/?/, '');
  return provider === 'replicate' ? id.replace(/^meta\/llama-3-/, 'meta/meta-llama-3-') : id;
}

/** LiteLLM, `model_prices_and_context_window.json`: dollars for a token. */
export function readLitellm(json: unknown): Answer {
  const chats = Object.entries(v.parse(litellm, json)).flatMap(([key, model]) => {
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
      { provider, offer: litellmId(key, provider), input: nano(input, PER_TOKEN), output: nano(output, PER_TOKEN) },
    ];
  });
  assertPriced('litellm', listings.length, chats.length);
  return { listings };
}

const modelsDev = v.looseObject({
  'amazon-bedrock': v.looseObject({
    models: v.record(
      v.string(),
      v.looseObject({ cost: v.exactOptional(v.looseObject({ input: price, output: price })) }),
    ),
  }),
  togetherai: v.looseObject({
    models: v.record(
      v.string(),
      v.looseObject({ cost: v.exactOptional(v.looseObject({ input: price, output: price })) }),
    ),
  }),
});

/** models.dev, `api.json`: dollars for a million tokens. */
export function readModelsDev(json: unknown): Answer {
  const { 'amazon-bedrock': bedrock, togetherai } = v.parse(modelsDev, json);
  const read = (provider: CatalogProvider, models: (typeof bedrock)['models']): Listing[] => {
    const all = Object.entries(models);
    const listings = all.flatMap(([id, { cost }]): Listing[] =>
      cost === undefined
        ? []
        : [{ provider, offer: usId(id), input: nano(cost.input, PER_MTOK), output: nano(cost.output, PER_MTOK) }],
    );
    assertPriced('modelsdev', listings.length, all.length);
    return listings;
  };
  return { listings: [...read('bedrock', bedrock.models), ...read('together', togetherai.models)] };
}
