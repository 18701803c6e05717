import * as v from 'valibot';
import { type Api, formatDollars, PROVIDER_IDS } from '../core/index.ts';
import json from './models.json' with { type: 'json' };
import { listedFor } from './prices/bundled.ts';
import sources from './sources.json' with { type: 'json' };
import type { Capabilities, CatalogModel, ListPrice, OfferFeatures, Source } from './types.ts';

/**
 * Reads `models.json` and `sources.json`: models and offers as collected on 2026-11-28 from the providers' documents and
 * public price lists. README.md in this folder tells the rest, `prices/` what they cost.
 */
export const CATALOG_DATE = '2026-11-28';

const day = v.pipe(v.string(), v.isoDate());
const tokens = v.pipe(v.number(), v.integer(), v.minValue(1));
const api = v.picklist(['converse', 'invoke', 'predictions', 'chat', 'completions'] satisfies Api[]);
/** Names with spaces between: read far faster than a list, of which there would be a thousand. */
const words = v.pipe(
  v.string(),
  v.transform((text) => text.split(' ').filter((word) => word !== '')),
);
const list = <T extends v.GenericSchema>(item: T) => v.optional(v.array(item), []);

const offer = v.strictObject({
  provider: v.picklist(PROVIDER_IDS),
  id: v.string(),
  otherIds: list(v.string()),
  apis: v.array(api),
  features: v.optional(
    v.strictObject({ tools: v.exactOptional(v.boolean()), streamingTools: v.exactOptional(v.boolean()) }),
    {},
  ),
  status: v.strictObject({
    state: v.picklist(['live', 'unverified', 'unknown', 'retired']),
    date: v.exactOptional(day),
    asOf: v.exactOptional(day),
    note: v.exactOptional(v.string()),
  }),
  structured: v.optional(v.boolean(), false),
  billing: v.optional(v.picklist(['token', 'time', 'provisioned']), 'token'),
  contextLimit: v.exactOptional(tokens),
  maxOutput: v.optional(v.strictObject({ converse: v.exactOptional(tokens), invoke: v.exactOptional(tokens) }), {}),
  regions: v.exactOptional(words),
  profiles: v.optional(v.record(v.string(), words), {}),
  versions: list(v.strictObject({ hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)), source: v.string() })),
});

const CAN = ['tools', 'vision', 'reasoning', 'infill', 'systemRole'] as const satisfies (keyof Capabilities)[];

const model = v.strictObject({
  id: v.string(),
  name: v.string(),
  family: v.string(),
  kind: v.picklist(['base', 'chat', 'guard']),
  contextLength: v.exactOptional(tokens),
  can: v.array(v.picklist(CAN)),
  aliases: list(v.string()),
  openrouter: v.optional(v.union([v.string(), v.array(v.string())]), []),
  replacedBy: v.exactOptional(v.string()),
  offers: v.array(offer),
});

/** What models are called, which every look-up goes through. */
const titles = v.array(
  v.looseObject({
    id: v.string(),
    aliases: list(v.string()),
    openrouter: v.optional(v.union([v.string(), v.array(v.string())]), []),
    offers: v.array(v.looseObject({ provider: v.picklist(PROVIDER_IDS), id: v.string(), otherIds: list(v.string()) })),
  }),
);

/** Features follow from the model's capabilities; the data states only where a provider falls short of them. */
function featuresOf(can: Capabilities, { apis, features, structured }: v.InferOutput<typeof offer>): OfferFeatures {
  const chat = apis.includes('converse') || apis.includes('chat');
  const tools = chat && (features.tools ?? can.tools);
  return {
    system: can.systemRole,
    tools,
    streamingTools: tools && (features.streamingTools ?? true),
    vision: chat && can.vision,
    structured: chat && structured,
  };
}

function listPrice({ provider, id }: Pick<v.InferOutput<typeof offer>, 'provider' | 'id'>): ListPrice | null {
  const row = listedFor(provider, id);
  if (row?.price.kind !== 'token') return null;
  return {
    inputPerMtok: formatDollars(row.price.input),
    outputPerMtok: formatDollars(row.price.output),
    source: row.source,
    sourceDate: row.checkedAt,
  };
}

function read({ can, offers, openrouter, ...rest }: v.InferOutput<typeof model>): CatalogModel {
  const capabilities: Capabilities = {
    tools: can.includes('tools'),
    vision: can.includes('vision'),
    reasoning: can.includes('reasoning'),
    infill: can.includes('infill'),
    systemRole: can.includes('systemRole'),
  };
  return {
    ...rest,
    capabilities,
    openrouter: typeof openrouter === 'string' ? [openrouter] : openrouter,
    offers: offers.map(({ structured, ...entry }) => ({
      ...entry,
      features: featuresOf(capabilities, { ...entry, structured }),
      // Few ask for it, and it needs the price book.
      get price() {
        return listPrice(entry);
      },
    })),
  };
}

/** A model by its names alone: the rest is read and checked when it is asked for, as most calls need one model. */
export interface Entry {
  /** Canonical id, aliases, and OpenRouter's slugs. */
  readonly names: readonly string[];
  readonly offers: readonly { readonly provider: string; readonly id: string; readonly otherIds: readonly string[] }[];
  readonly model: CatalogModel;
}

let listed: readonly Entry[] | undefined;

/** Every model's entry, in the catalogue's order. Read at the first call, so that loading the module costs nothing. */
export function entries(): readonly Entry[] {
  const rows: readonly unknown[] = json;
  listed ??= v.parse(titles, json).map(({ id, aliases, openrouter, offers }, at) => {
    let whole: CatalogModel | undefined;
    return {
      names: [id, ...aliases, ...[openrouter].flat()],
      offers,
      get model() {
        whole ??= read(v.parse(model, rows[at]));
        return whole;
      },
    };
  });
  return listed;
}

let loaded: readonly CatalogModel[] | undefined;

/** Every model, in the catalogue's order. */
export function models(): readonly CatalogModel[] {
  loaded ??= entries().map((entry) => entry.model);
  return loaded;
}

/** What `ListPrice.source` and `Version.source` stand for. */
export const priceSources: Readonly<Record<string, Source>> = sources;
