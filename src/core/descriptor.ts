import type { Sampling } from './call.ts';

/**
 * What a provider tells about itself. Everything that is true of one provider alone, and that the rooms above `providers/` must
 * know, stands in the `about.ts` of its folder in this form; the rooms read descriptors and name no provider.
 */

/** The APIs an offer can be reached by, across all providers. */
export type Api = 'converse' | 'invoke' | 'predictions' | 'chat' | 'completions';

/** Prompt template families; `none` is a base model, which has no chat form. */
export type Family = string;

/** What a caller may set, by our names. */
export type Parameter =
  | keyof Sampling
  | 'maxTokens'
  | 'stop'
  | 'n'
  | 'tools'
  | 'toolChoice'
  | 'responseFormat'
  /** Of the response formats JSON Schemas alone, and only for models that take them: see `OfferFeatures.structured`. */
  | 'jsonSchema'
  | 'images'
  /** How closely to look at them. */
  | 'imageDetail'
  /** Whose message it is, beside the role. */
  | 'names'
  /** What the model thought earlier, on messages of the assistant's. */
  | 'reasoning'
  /** The prompt in front of the answer, with what the server knows of its tokens. */
  | 'echo'
  /** The same in a stream. */
  | 'streamedEcho'
  /** Prompts as token ids. */
  | 'promptIds'
  /** Fields that are not ours, as they came: what they do is between the caller and the server. */
  | 'extra'
  /** Of those `chat_template_kwargs` alone. */
  | 'templateKwargs';

/**
 * For which families a server adds begin-of-sequence to a raw prompt by itself. `all`: for every family whose tokenizer has it;
 * `unless-there`: for all, except where the prompt begins with one already.
 */
export type ServerBos = 'all' | 'unless-there' | readonly Family[];

/** What one API of a provider does with a call. Where models differ in what they take, so do the traits. */
export interface ApiTraits {
  /** For messages and tests: `replicate.triton`. */
  readonly name: string;
  /** What it takes by itself. The rest is done by the gateway (`stop`, `n`), or dropped and said so. */
  readonly takes: ReadonlySet<Parameter>;
  /** It ends an answer after a number of tokens of its own where the request sets no limit. */
  readonly truncates?: boolean;
  /** The most output tokens that it takes as a limit, where the catalogue says nothing of the model. */
  readonly maxOutput?: number;
  /** Absent: the API takes no raw prompts. */
  readonly addsBos?: ServerBos;
  /** Tokens that its usage reports beyond those the model reads. */
  readonly reportsExtra?: number;
}

/** What a provider does with what it is sent. False where it may do it, or nobody says. */
export interface Privacy {
  /** It neither collects prompts and answers nor trains on them (OpenRouter's `data_collection: "deny"`). */
  readonly noCollection: boolean;
  /** It keeps neither once the call is answered (OpenRouter's `zdr`). */
  readonly noRetention: boolean;
}

/** A row of the catalogue, as far as it decides what to send as the model. */
export interface OfferIds {
  /** The provider's own id. */
  readonly id: string;
  /** By the token, by the second of hardware, or only with provisioned throughput. */
  readonly billing: 'token' | 'time' | 'provisioned';
  /** Regions that take the bare id. Absent: unknown. */
  readonly regions?: readonly string[];
  /** Ids of inference profiles, and the regions each can be called from. */
  readonly profiles: Readonly<Record<string, readonly string[]>>;
  /** Pinned versions, the one to prefer first. */
  readonly versions: readonly { readonly hash: string }[];
}

/** What to send to a provider as the model, or one sentence for the caller on why the offer is out. */
export type UpstreamId = { readonly id: string } | { readonly reason: string };

/** Variables by name, each with other names under which people set it: those of other software, and slips seen before. */
export type Variables = Readonly<Record<string, readonly string[]>>;

/** What is true of one provider. Only what differs from the usual needs to be said. */
export interface ProviderDescriptor {
  /** The name that callers, the catalogue and configuration use. */
  readonly id: string;
  /** As messages show it. */
  readonly name: string;
  /** Its other names: OpenRouter's, and what people write. Compared without case, spaces and hyphens. */
  readonly alsoCalled?: readonly string[];
  /** Every variable of the environment that it reads. */
  readonly variables?: Variables;
  /**
   * What an API does for a family; undefined where the provider has no such API, or no request format for that family.
   *
   * @param upstream the id that is sent, where the engine depends on it
   */
  traits(api: Api, family: Family, upstream?: string): ApiTraits | undefined;
  /** Tokens of a model's context that are not available for prompt and answer. Absent: 0. */
  readonly contextMargin?: number;
  /** Its server wraps raw prompts of these models in a template of its own, so that no rendered chat survives. */
  rendersByItself?(family: Family, base: boolean): boolean;
  /**
   * The catalogue's id inside a name that says exactly what to call: a pinned version, an inference profile, an ARN. Such a name
   * pins the provider, and costs what that id costs. Undefined: the name is none of these.
   */
  modelIn?(name: string): string | undefined;
  /** The id to send for an offer of the catalogue from a region. Absent: the offer's own id. */
  upstreamFor?(offer: OfferIds, region: string): UpstreamId;
  /** Which inference profiles a call may go through, the likeliest first, where a price may hold for one alone. */
  priceProfiles?(upstream: string, region: string): readonly string[];
  /** Its prices and ids depend on the region of the deployment. */
  readonly usesRegion?: boolean;
  /**
   * It serves models only on services of the user's own, so that its rows in the catalogue are history: one sentence for callers
   * on how to add such a service.
   */
  readonly ownServices?: string;
  /** By the provider's own documentation. Absent: not known. What the operator says of their account goes before it. */
  readonly privacy?: Privacy;
  /** HTTP requests that one job takes: to create it, to stream it, to look at it. Absent: 1. */
  readonly requestsPerJob?: number;
}

/** The descriptors of all providers: those that this software knows, configured or not, and any other id. */
export interface ProviderRegistry {
  /** The known ones, in the order in which messages list them. */
  readonly known: readonly ProviderDescriptor[];
  readonly ids: readonly string[];
  /** Of a known provider; any other id is a service of the user's own. */
  of(id: string): ProviderDescriptor;
}

/** @param other describes a provider that is not known: a service of the user's own, by its id */
export function providerRegistry(
  known: readonly ProviderDescriptor[],
  other: (id: string) => ProviderDescriptor,
): ProviderRegistry {
  const byId = new Map(known.map((about) => [about.id, about]));
  return {
    known,
    ids: known.map(({ id }) => id),
    of(id) {
      let about = byId.get(id);
      if (!about) {
        about = other(id);
        byId.set(id, about);
      }
      return about;
    },
  };
}

/** The id to send for an offer, or why there is none. */
export const upstreamOf = (about: ProviderDescriptor, offer: OfferIds, region: string): UpstreamId =>
  about.upstreamFor?.(offer, region) ?? { id: offer.id };

/** No provider's name is longer, and a text that nobody bounded is not copied. */
const LONGEST_NAME = 100;

const plainName = (name: string): string => name.toLowerCase().replace(/[\s._-]/g, '');

/**
 * Looks up which of some providers a name means: by its id, else without regard to case, spaces and hyphens ("Together",
 * "Amazon Bedrock"), as OpenRouter shows and takes names. Undefined where it means none of them, or more than one.
 *
 * @param ids the providers to choose from
 * @param known descriptors with other names for some of them
 */
export function providerNames(
  ids: Iterable<string>,
  known: readonly ProviderDescriptor[] = [],
): (name: string) => string | undefined {
  const there = new Set(ids);
  const plain = new Map<string, string | undefined>();
  for (const id of there) plain.set(plainName(id), plain.has(plainName(id)) ? undefined : id);
  for (const { id, alsoCalled = [] } of known) {
    if (!there.has(id)) continue;
    for (const name of alsoCalled.map(plainName)) if (!plain.has(name)) plain.set(name, id);
  }
  return (name) => {
    if (there.has(name)) return name;
    return name.length > LONGEST_NAME ? undefined : plain.get(plainName(name));
  };
}
