import { type Api, formatDollars } from '../core/index.ts';
import json from './models.json' with { type: 'json' };
import { listedFor } from './prices/bundled.ts';
import sources from './sources.json' with { type: 'json' };
import type {
  Capabilities,
  CatalogModel,
  CatalogOffer,
  ListPrice,
  ModelKind,
  OfferFeatures,
  OfferState,
  Source,
} from './types.ts';

/**
 * Reads `models.json` and `sources.json`: models and offers as collected on 2026-11-28 from the providers' documents
 * and public price lists. README.md in this folder tells the rest, `prices/` what they cost. The tests check every row
 * against a schema. A row becomes a model when somebody asks for it, because most calls need one model.
 */
export const CATALOG_DATE = '2026-11-28';

/** An offer as the file has it. `regions` and the values of `profiles` are names with spaces between. */
export interface OfferJson {
  readonly provider: string;
  readonly id: string;
  readonly otherIds?: readonly string[];
  readonly apis: readonly string[];
  readonly features?: { readonly tools?: boolean; readonly streamingTools?: boolean };
  readonly status: { readonly state: string; readonly date?: string; readonly asOf?: string; readonly note?: string };
  readonly structured?: boolean;
  readonly billing?: string;
  readonly contextLimit?: number;
  readonly maxOutput?: { readonly converse?: number; readonly invoke?: number };
  readonly regions?: string;
  readonly profiles?: Readonly<Record<string, string | undefined>>;
  readonly versions?: CatalogOffer['versions'];
}

/** A model as the file has it. */
export interface ModelJson {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly kind: string;
  readonly contextLength?: number;
  readonly can: readonly string[];
  readonly aliases?: readonly string[];
  readonly openrouter?: string | readonly string[];
  readonly replacedBy?: string;
  readonly offers: readonly OfferJson[];
}

const rows: readonly ModelJson[] = json;

const APIS: readonly Api[] = ['converse', 'invoke', 'predictions', 'chat', 'completions'];
const STATES: readonly OfferState[] = ['live', 'unverified', 'unknown', 'retired'];
const BILLINGS: readonly CatalogOffer['billing'][] = ['token', 'time', 'provisioned'];
const KINDS: readonly ModelKind[] = ['base', 'chat', 'guard'];

/** A word of the file, which must be one of these. */
function oneOf<T extends string>(known: readonly T[], word: string): T {
  const found = known.find((one) => one === word);
  if (found === undefined) throw new Error(`models.json: ${word} is none of ${known.join(', ')}.`);
  return found;
}

const words = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

/** Features follow from the model's capabilities; the data states only where a provider falls short of them. */
function featuresOf(can: Capabilities, { apis, features = {}, structured = false }: OfferJson): OfferFeatures {
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

function listPrice({ provider, id }: OfferJson): ListPrice | null {
  const row = listedFor(provider, id);
  if (row?.price.kind !== 'token') return null;
  return {
    inputPerMtok: formatDollars(row.price.input),
    outputPerMtok: formatDollars(row.price.output),
    source: row.source,
    sourceDate: row.checkedAt,
  };
}

function readOffer(row: OfferJson, can: Capabilities): CatalogOffer {
  const { provider, id, otherIds = [], status, billing = 'token', contextLimit, regions, versions = [] } = row;
  const { state, ...rest } = status;
  const profiles = Object.entries(row.profiles ?? {}).map(([profile, names]) => [profile, words(names ?? '')] as const);
  return {
    provider,
    id,
    otherIds,
    apis: row.apis.map((name) => oneOf(APIS, name)),
    features: featuresOf(can, row),
    status: { state: oneOf(STATES, state), ...rest },
    billing: oneOf(BILLINGS, billing),
    ...(contextLimit === undefined ? {} : { contextLimit }),
    maxOutput: row.maxOutput ?? {},
    ...(regions === undefined ? {} : { regions: words(regions) }),
    profiles: Object.fromEntries(profiles),
    versions,
    // Worked out when it is read: few read it, and it needs the price book.
    get price() {
      return listPrice(row);
    },
  };
}

function readModel(row: ModelJson): CatalogModel {
  const { id, name, family, kind, contextLength, can, aliases = [], openrouter = [], replacedBy, offers } = row;
  const capabilities: Capabilities = {
    tools: can.includes('tools'),
    vision: can.includes('vision'),
    reasoning: can.includes('reasoning'),
    infill: can.includes('infill'),
    systemRole: can.includes('systemRole'),
  };
  return {
    id,
    name,
    family,
    kind: oneOf(KINDS, kind),
    ...(contextLength === undefined ? {} : { contextLength }),
    capabilities,
    aliases,
    openrouter: typeof openrouter === 'string' ? [openrouter] : openrouter,
    ...(replacedBy === undefined ? {} : { replacedBy }),
    offers: offers.map((offer) => readOffer(offer, capabilities)),
  };
}

/** A model by its names alone: the rest is read when it is asked for. */
export interface CatalogEntry {
  /** Canonical id, aliases, and OpenRouter's slugs. */
  readonly names: readonly string[];
  readonly offers: readonly Pick<OfferJson, 'provider' | 'id' | 'otherIds'>[];
  readonly model: CatalogModel;
}

let listed: readonly CatalogEntry[] | undefined;

/** Every model's entry, in the catalogue's order. Made at the first call, so that loading the module costs nothing. */
export function entries(): readonly CatalogEntry[] {
  listed ??= rows.map((row) => {
    let whole: CatalogModel | undefined;
    return {
      names: [row.id, ...(row.aliases ?? []), ...[row.openrouter ?? []].flat()],
      offers: row.offers,
      get model() {
        whole ??= readModel(row);
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
