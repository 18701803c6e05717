import { type Api, type Family, formatDollars, type OfferIds } from '../core/index.ts';
import json from './models.json' with { type: 'json' };
import { listedFor } from './prices/book.ts';
import sources from './sources.json' with { type: 'json' };

/** Models and their offers, as the other rooms read them, and how they are read from `models.json`. */

/**
 * `base` continues text and has no chat form; `guard` classifies a conversation; `embedding` makes vectors, and
 * `rerank` scores documents: neither of these two writes text.
 */
export type ModelKind = 'base' | 'chat' | 'guard' | 'embedding' | 'rerank';

/** What the weights can do, whoever serves them. False also where no source says so. */
export interface Capabilities {
  readonly tools: boolean;
  readonly vision: boolean;
  readonly reasoning: boolean;
  /** Fills a gap between a prefix and a suffix. */
  readonly infill: boolean;
  /** Its chat template has a place for a system message. */
  readonly systemRole: boolean;
}

/** What an offer does for a chat. Tools and images need a chat API, so they are false where it has none. */
export interface OfferFeatures {
  /** Takes a system message. */
  readonly system: boolean;
  readonly tools: boolean;
  readonly streamingTools: boolean;
  readonly vision: boolean;
  /**
   * For APIs that hold only some models to a JSON Schema (`Parameter` `jsonSchema`): this is one of them. AWS documents
   * it by model. Where an API takes any `response_format`, it takes it for all its models.
   */
  readonly structured: boolean;
}

/**
 * `live`: a source of 2026 shows it served. `unverified`: nothing says it ended, nothing proves it runs.
 * `unknown`: the provider's own lists do not name it. `retired`: it ended.
 */
export type OfferState = 'live' | 'unverified' | 'unknown' | 'retired';

export interface OfferStatus {
  readonly state: OfferState;
  /** The day service ended, or will end as announced (`2027-03-30`). */
  readonly date?: string;
  /** The day of the evidence, for a live offer. */
  readonly asOf?: string;
  readonly note?: string;
}

/**
 * List price in dollars for a million tokens, as decimal strings. For Bedrock it is the on-demand Standard tier in US
 * regions; other regions may differ. For a retired offer it is the last one.
 */
export interface ListPrice {
  readonly inputPerMtok: string;
  readonly outputPerMtok: string;
  /** A key of `priceSources`. */
  readonly source: string;
  readonly sourceDate: string;
}

/** A pinned version of a model: 64 hexadecimal digits, and where they were read. */
export interface Version {
  readonly hash: string;
  readonly source: string;
}

/** A model at a provider. What to send as its id can differ: see `upstreamOf`. */
export interface CatalogOffer extends OfferIds {
  /** The id of a provider. A user's own services are configuration, not catalogue. */
  readonly provider: string;
  /** Other ids of the same thing at this provider. They find the model and are never sent. */
  readonly otherIds: readonly string[];
  readonly apis: readonly Api[];
  readonly features: OfferFeatures;
  readonly status: OfferStatus;
  /** The newest bundled list price; null is unknown. The price of a day, with overrides, is `priceFor`'s. */
  readonly price: ListPrice | null;
  /** Tokens, prompt and output together, where the provider serves another context than the model's own. */
  readonly contextLimit?: number;
  /** Most tokens of output, by API. */
  readonly maxOutput: Readonly<Partial<Record<Api, number>>>;
  readonly versions: readonly Version[];
}

/** An open-weight model under the name that callers use. */
export interface CatalogModel {
  readonly id: string;
  readonly name: string;
  /** Chooses the chat template and the request format. A base model has a family, but no template: see `kind`. */
  readonly family: Family;
  readonly kind: ModelKind;
  /** Tokens, as its makers state it; of an embedding model, tokens of one text. Absent: unknown. */
  readonly contextLength?: number;
  /** Of an embedding model: lengths of its vectors, its usual one first. */
  readonly dimensions?: readonly number[];
  readonly capabilities: Capabilities;
  /** Other names, its Hugging Face id among them. */
  readonly aliases: readonly string[];
  /** OpenRouter's slugs of it, in lower case as OpenRouter writes them: `meta-llama/llama-3.3-70b-instruct`. */
  readonly openrouter: readonly string[];
  /** What to use instead if this one ends or has ended. */
  readonly replacedBy?: string;
  readonly offers: readonly CatalogOffer[];
}

/** Where a figure was read, and on which day. */
export interface Source {
  readonly what: string;
  readonly date?: string;
}

/** Whether an offer may still be tried on a day (`2026-11-22`): it has not ended, and no announced end has passed. */
export const isServed = ({ status }: CatalogOffer, today: string): boolean =>
  status.state !== 'retired' && (status.date === undefined || today <= status.date);

/** Whether any offer of a model may still be tried on a day. */
export const hasServedOffer = (model: CatalogModel, today: string): boolean =>
  model.offers.some((offer) => isServed(offer, today));

/**
 * Which of its earlier reasoning a model gets back. `loop`: the reasoning since the last final answer, while the model
 * calls tools and reads their results; its template leaves out the rest. `all`: all of it in a chat with tools; a
 * server refuses an answer without reasoning, but takes an empty one. `none`: the model reads no earlier reasoning.
 */
export type ReasoningBack = 'none' | 'loop' | 'all';

/** By the beginning of a family's name; the first that fits counts. A family that is not here gets none back. */
const FAMILIES: readonly (readonly [begins: string, back: ReasoningBack])[] = [
  // api-docs.deepseek.com/guides/thinking_mode: "reasoning_content" of all later turns once tools were called.
  ['deepseek-v4', 'all'],
  // The same guide, as it was for V3.2: within the turns of one question.
  ['deepseek-v3.2', 'loop'],
  // platform.moonshot.ai, "reasoning_content is missing in assistant tool call message".
  ['kimi-', 'all'],
  // developers.openai.com/cookbook/articles/gpt-oss/handle-raw-cot: kept until the final answer, dropped after it.
  ['gpt-oss', 'loop'],
  // The `chat_template` of their Hugging Face repositories.
  ['qwen3', 'loop'],
  ['minimax-', 'loop'],
  ['nemotron-3', 'loop'],
  // docs.z.ai/guides/capabilities/thinking-mode: to be returned with the results of tools.
  ['glm-', 'loop'],
];

/**
 * @param reasons whether the model reasons at all, if that is known. An unknown model gets its reasoning back, as it
 *   would without a gateway.
 */
export function reasoningBack(family: Family, reasons: boolean | 'unknown'): ReasoningBack {
  if (reasons === false) return 'none';
  const known = FAMILIES.find(([begins]) => family.startsWith(begins))?.[1];
  return known ?? (family === 'unknown' && reasons === 'unknown' ? 'loop' : 'none');
}

/**
 * Reads `models.json` and `sources.json`: models and offers as collected on 2026-11-28 from the providers' documents
 * and public price lists. README.md in this folder explains them; their prices are in `prices/`. The tests check
 * every row against a schema. A row becomes a model when somebody asks for it, because most calls need one model.
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
  readonly dimensions?: readonly number[];
  readonly can: readonly string[];
  readonly aliases?: readonly string[];
  readonly openrouter?: string | readonly string[];
  readonly replacedBy?: string;
  readonly offers: readonly OfferJson[];
}

const rows: readonly ModelJson[] = json;

const APIS: readonly Api[] = ['converse', 'invoke', 'predictions', 'chat', 'completions', 'embeddings', 'rerank'];
const STATES: readonly OfferState[] = ['live', 'unverified', 'unknown', 'retired'];
const BILLINGS: readonly CatalogOffer['billing'][] = ['token', 'time', 'provisioned'];
const KINDS: readonly ModelKind[] = ['base', 'chat', 'guard', 'embedding', 'rerank'];

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
    // Computed when it is read: few readers need it, and it needs the price book.
    get price() {
      return listPrice(row);
    },
  };
}

function readModel(row: ModelJson): CatalogModel {
  const {
    id,
    name,
    family,
    kind,
    contextLength,
    dimensions,
    can,
    aliases = [],
    openrouter = [],
    replacedBy,
    offers,
  } = row;
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
    ...(dimensions === undefined ? {} : { dimensions }),
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
