/**
 * What a provider tells about itself. Everything that is true of one provider alone, and that the rest of the gateway
 * must know, is in the `about.ts` of its folder in this form. The other rooms read descriptors and name no provider.
 * And the result of a probe: a free request that checks whether a provider can be used as it is configured.
 */
import type { Sampling } from './call.ts';
import type { GatewayError } from './errors.ts';

/** The APIs an offer can be reached by, across all providers. */
export type Api = 'converse' | 'invoke' | 'predictions' | 'chat' | 'completions' | 'embeddings' | 'rerank';

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
  /** Only JSON Schemas of the response formats, and only for models that take them: see `OfferFeatures.structured`. */
  | 'jsonSchema'
  | 'images'
  /** PDFs within messages. */
  | 'files'
  /** The detail with which images are read (`image_url.detail`). */
  | 'imageDetail'
  /** The name of a message's author (`messages[].name`). */
  | 'names'
  /** Earlier reasoning, on messages of the assistant. */
  | 'reasoning'
  /** `echo`: the prompt in front of the answer, with its log probabilities. */
  | 'echo'
  /** The same in a stream. */
  | 'streamedEcho'
  /** Prompts as token ids. */
  | 'promptIds'
  /** The length of vectors. */
  | 'dimensions'
  /** What the texts of embeddings are, in Cohere's words. */
  | 'inputType'
  /** Fields that the gateway does not know, sent on unchanged. */
  | 'extra'
  /** Only `chat_template_kwargs` of those. */
  | 'templateKwargs';

/**
 * For which families a server itself adds begin-of-sequence to a raw prompt. `all`: every family whose tokenizer has
 * it; `unless-there`: all, unless the prompt already begins with one.
 */
export type ServerBos = 'all' | 'unless-there' | readonly Family[];

/** What one API of a provider does with a call. Where models differ in what they take, so do the traits. */
export interface ApiTraits {
  /** For messages and tests: `replicate.triton`. */
  readonly name: string;
  /** The parameters it takes. The gateway does the others itself (`stop`, `n`), or drops them and tells the caller. */
  readonly takes: ReadonlySet<Parameter>;
  /** Without a limit in the request it cuts answers at a limit of its own. */
  readonly truncates?: boolean;
  /** The largest output limit that it takes, if the catalogue has none for the model. */
  readonly maxOutput?: number;
  /** Absent: the API takes no raw prompts. */
  readonly addsBos?: ServerBos;
  /** Tokens that its usage reports beyond those the model reads. */
  readonly reportsExtra?: number;
  /** Of embeddings: how many texts one request takes. Absent: as many as a call may have. */
  readonly mostInputs?: number;
  /** Of embeddings: characters of one text, at most. */
  readonly mostCharacters?: number;
}

/** What a provider does with prompts and answers. False if it may do it, or if that is not known. */
export interface Privacy {
  /** It neither collects prompts and answers nor trains on them (OpenRouter's `data_collection: "deny"`). */
  readonly noCollection: boolean;
  /** It keeps neither once the call is answered (OpenRouter's `zdr`). */
  readonly noRetention: boolean;
}

/** The part of a catalogue row that decides which id is sent as the model. */
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

/** The id to send to a provider as the model, or one sentence on why there is none. */
export type UpstreamId = { readonly id: string } | { readonly reason: string };

/** Variables by name, each with names that people set by mistake: of other software, and misspelt ones. */
export type Variables = Readonly<Record<string, readonly string[]>>;

/** What is true of one provider. Optional fields are for what differs from the usual. */
export interface ProviderDescriptor {
  /** The name that callers, the catalogue and configuration use. */
  readonly id: string;
  /** As messages show it. */
  readonly name: string;
  /** As OpenTelemetry's conventions call it (`gen_ai.provider.name`). Absent: they have no name for it, and `id` stands. */
  readonly telemetryName?: string;
  /** Its other names: OpenRouter's, and what people write. Compared without case, spaces and hyphens. */
  readonly alsoCalled?: readonly string[];
  /** Every variable of the environment that it reads. */
  readonly variables?: Variables;
  /**
   * What an API does for a family; undefined if the provider has no such API, or no request format for that family.
   *
   * @param upstream the id that is sent, for providers whose engine depends on it
   */
  traits(api: Api, family: Family, upstream?: string): ApiTraits | undefined;
  /** Tokens of a model's context that are not available for prompt and answer. Absent: 0. */
  readonly contextMargin?: number;
  /** Its server puts raw prompts of these models into a template of its own, so no rendered chat can be sent. */
  rendersByItself?(family: Family, base: boolean): boolean;
  /**
   * The catalogue's id in a name that says exactly what to call: a pinned version, an inference profile, an ARN. Such a
   * name pins the provider and costs what that id costs. Undefined: the name is none of these.
   */
  modelIn?(name: string): string | undefined;
  /** The id to send for an offer of the catalogue from a region. Absent: the offer's own id. */
  upstreamFor?(offer: OfferIds, region: string): UpstreamId;
  /** The inference profiles that a call may go through, the likeliest first: prices can be for one profile only. */
  priceProfiles?(upstream: string, region: string): readonly string[];
  /** Its prices and ids depend on the region of the deployment. */
  readonly usesRegion?: boolean;
  /**
   * Set if it only serves models on the user's own services, so that its rows in the catalogue are history: one
   * sentence for callers on how to add such a service.
   */
  readonly ownServices?: string;
  /** By the provider's documentation. Absent: not known. What the operator sets for their account wins. */
  readonly privacy?: Privacy;
  /** HTTP requests that one job takes: to create it, to stream it, to look at it. Absent: 1. */
  readonly requestsPerJob?: number;
}

/** The descriptors of all providers: the known ones, configured or not, and one for any other id. */
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

/** No provider's name is longer. A text of any length is not copied. */
const LONGEST_NAME = 100;

const plainName = (name: string): string => name.toLowerCase().replace(/[\s._-]/g, '');

/**
 * Finds the provider that a name means: by its id, or without regard to case, spaces and hyphens ("Together", "Amazon
 * Bedrock"), as OpenRouter shows and takes names. Undefined if it means none, or more than one.
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

/** What is wrong if a provider cannot be used. */
export type ProbeFault = 'host' | 'key' | 'region' | 'models' | 'other';

/** The result of a probe. */
export interface Probe {
  /** Which service, if the provider has several. */
  readonly service?: string;
  /** Method and address, without a query. */
  readonly asked: string;
  /** The provider can be used. */
  readonly ok: boolean;
  readonly fault: ProbeFault | null;
  /** What was found, and what to do if something is wrong. Written for the operator of the gateway. */
  readonly message: string;
  /** Ids of configured models that the provider does not have. */
  readonly missing?: readonly string[];
}

/** What to do about each fault: a sentence that names the variable. */
export interface ProbeSteps {
  readonly host: string;
  readonly key: string;
}

/** The result of a probe that was answered with an error, or not at all. */
export function probeFailed(asked: string, error: GatewayError, steps: ProbeSteps): Probe {
  const { upstreamStatus: status, upstreamMessage: said } = error.details;
  const words = said ? ` It said: ${said}` : '';
  const found = (ok: boolean, fault: ProbeFault | null, message: string): Probe => ({ asked, ok, fault, message });
  if (status === undefined) return found(false, 'host', `No answer came from there. ${steps.host}`);
  if (error.code === 'provider_auth')
    return found(false, 'key', `The credentials were not accepted. ${steps.key}${words}`);
  if (error.code === 'provider_rate_limited')
    return found(true, null, `It answers, and limits the rate of requests.${words}`);
  if (error.code === 'model_not_found' || (status >= 300 && status < 400) || status === 405)
    return found(false, 'host', `Nothing is served at that address (status ${status}). ${steps.host}${words}`);
  return found(false, 'other', `It answers with status ${status}. Ask again later.${words}`);
}

const SHOWN = 10;
const listed = (ids: readonly string[]): string =>
  ids.length > SHOWN ? `${ids.slice(0, SHOWN).join(', ')} and ${ids.length - SHOWN} more` : ids.join(', ');

/**
 * The result of a probe that was answered with a list of models.
 *
 * @param step what to do if a model is missing
 * @param usable whether the provider can be used although these are missing
 */
export function probeFound(
  asked: string,
  wanted: readonly string[],
  there: ReadonlySet<string>,
  step: (missing: string) => string,
  usable: (missing: readonly string[]) => boolean,
): Probe {
  const missing = wanted.filter((id) => !there.has(id));
  if (missing.length === 0) return { asked, ok: true, fault: null, message: 'It answers, with all models.' };
  const ok = usable(missing);
  const message = `It answers, and does not have ${listed(missing)}. ${step(listed([...there]))}`;
  return { asked, ok, fault: 'models', message, missing };
}
