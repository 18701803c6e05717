import type { ApiTraits, Family, OfferIds, Parameter, ProviderDescriptor, UpstreamId } from '../../src/core/index.ts';

/** What AWS Bedrock tells about itself: its two APIs by model family, its model ids, and which region takes which. */

/** Meta's models: `llama-2`, `llama-3.3`, `code-llama`. */
export const isLlama = (family: Family): boolean => /^(?:code-?)?llama/.test(family);

/** Mistral AI's: `mistral`, `mistral-3`, `mixtral`. */
export const isMistral = (family: Family): boolean => /^mi[sx]tral/.test(family);

/** OpenAI's temperatures go up to 2; Bedrock's end at 1, and it refuses a request beyond that. */
export const clampTemperature = (temperature: number): number => Math.min(temperature, 1);

const takes = (...more: Parameter[]): ReadonlySet<Parameter> => new Set(['maxTokens', 'temperature', 'topP', ...more]);

/** InvokeModel for Llama takes at most this as `max_gen_len` (and truncates at 512 without it). */
const INVOKE_MOST = 2048;

// Bedrock API, `InferenceConfiguration` and `ToolConfiguration`. Structured output is `outputConfig.textFormat`.
const CONVERSE: ApiTraits = {
  name: 'bedrock.converse',
  takes: takes('stop', 'tools', 'toolChoice', 'jsonSchema', 'images'),
};

/** The same, and `top_k` among `additionalModelRequestFields`. */
const CONVERSE_MISTRAL: ApiTraits = {
  name: 'bedrock.converse-mistral',
  takes: takes('topK', 'stop', 'tools', 'toolChoice', 'jsonSchema', 'images'),
};

/** "Supported models and model features": no tool choice but auto; and Llama is in no list for structured output. */
const CONVERSE_LLAMA: ApiTraits = { name: 'bedrock.converse-llama', takes: takes('stop', 'tools', 'images') };

/**
 * Bedrock user guide, "Meta Llama models": prompt, temperature, top_p, max_gen_len, which is 512 unless given. Who adds
 * begin-of-sequence was read from recorded bills: "What does 'lorem ipsum' mean?" is 9 tokens and is billed as 10 on
 * Llama 2; Llama 3's prompts are billed as they are.
 */
const INVOKE_LLAMA: ApiTraits = {
  name: 'bedrock.invoke-llama',
  takes: takes(),
  truncates: true,
  maxOutput: INVOKE_MOST,
  addsBos: ['llama-2', 'code-llama', 'code-llama-70b'],
};

/** Bedrock user guide, "Mistral AI text completion". */
const INVOKE_MISTRAL: ApiTraits = {
  name: 'bedrock.invoke-mistral',
  takes: takes('topK', 'stop'),
  truncates: true,
  maxOutput: INVOKE_MOST,
  addsBos: 'all',
};

/**
 * Bedrock user guide, "Amazon Titan Text Embeddings" and "Cohere Embed v3". Titan takes one text in a request, Cohere
 * 96 of 2,048 characters each.
 */
const EMBEDDINGS: Readonly<Record<Family, ApiTraits | undefined>> = {
  'titan-embed': { name: 'bedrock.titan-embed', takes: new Set(['dimensions']), mostInputs: 1 },
  'cohere-embed': {
    name: 'bedrock.cohere-embed',
    takes: new Set(['inputType']),
    mostInputs: 96,
    mostCharacters: 2048,
  },
};

/**
 * Models with "Document chat" in a stored copy of "Supported models and model features": Llama 3, 3.1 and 3.2, Mistral's
 * Instruct models and Mistral Large of 2024. Of newer models no copy that we have says anything.
 */
const READS_FILES = /\bmeta\.llama3-(?:[12]-)?\d+b-|\bmistral\.(?:mistral-7b|mixtral-8x7b|mistral-large-24)/;

const withFiles = (traits: ApiTraits): ApiTraits => ({ ...traits, takes: new Set([...traits.takes, 'files']) });
const CONVERSE_LLAMA_FILES = withFiles(CONVERSE_LLAMA);
const CONVERSE_MISTRAL_FILES = withFiles(CONVERSE_MISTRAL);

function converse(family: Family, id = ''): ApiTraits {
  const reads = READS_FILES.test(id);
  if (isLlama(family)) return reads ? CONVERSE_LLAMA_FILES : CONVERSE_LLAMA;
  if (isMistral(family)) return reads ? CONVERSE_MISTRAL_FILES : CONVERSE_MISTRAL;
  return CONVERSE;
}

function invoke(family: Family): ApiTraits | undefined {
  if (isLlama(family)) return INVOKE_LLAMA;
  return isMistral(family) ? INVOKE_MISTRAL : undefined;
}

/**
 * Prefixes of inference profiles (Bedrock user guide, "Supported Regions and models for inference profiles"). Nothing
 * else is stripped: ids of different models contain one another, so ids must match exactly.
 */
const GEOGRAPHIES: ReadonlySet<string> = new Set(['us', 'eu', 'apac', 'jp', 'au', 'ca', 'in', 'global', 'us-gov']);

/** Which profiles to prefer in a region: the nearest geography first, so that data travels no further than it must. */
const PREFERENCE: readonly (readonly [region: RegExp, geographies: readonly string[]])[] = [
  [/^us-gov-/, ['us-gov']],
  [/^us-/, ['us', 'global']],
  [/^ca-/, ['ca', 'us', 'global']],
  [/^eu-/, ['eu', 'global']],
  [/^ap-northeast-[13]$/, ['jp', 'apac', 'global']],
  [/^ap-southeast-[24]$/, ['au', 'apac', 'global']],
  [/^ap-south-/, ['in', 'apac', 'global']],
  [/^ap-/, ['apac', 'global']],
];

const preferredIn = (region: string): readonly string[] =>
  PREFERENCE.find(([regions]) => regions.test(region))?.[1] ?? ['global'];

const geographyOf = (id: string): string => id.slice(0, Math.max(0, id.indexOf('.')));

/** `us.meta.llama3-3-70b-instruct-v1:0` without its `us.`; undefined where there is no such prefix. */
const withoutGeography = (id: string): string | undefined => {
  const geography = geographyOf(id);
  return GEOGRAPHIES.has(geography) ? id.slice(geography.length + 1) : undefined;
};

const ARN =
  /^arn:aws(?:-us-gov|-cn)?:bedrock:[a-z0-9-]{1,32}:\d{0,12}:(?:foundation-model|inference-profile)\/([^/]+)$/;

/**
 * The id of an offer in a region: the bare id if the region takes it on demand, else the inference profile that can be
 * called from there.
 */
function upstreamFor(offer: OfferIds, region: string): UpstreamId {
  const profiles = Object.entries(offer.profiles);
  if (offer.regions === undefined && profiles.length === 0) return { id: offer.id };
  if (offer.regions?.includes(region)) return { id: offer.id };

  const preferred = preferredIn(region);
  const rank = (id: string): number => {
    const at = preferred.indexOf(geographyOf(id));
    return at < 0 ? preferred.length : at;
  };
  const reachable = profiles.filter(([, regions]) => regions.includes(region)).map(([id]) => id);
  const [best] = reachable.sort((a, b) => rank(a) - rank(b));
  if (best !== undefined) return { id: best };

  const served = new Set([...(offer.regions ?? []), ...profiles.flatMap(([, regions]) => regions)]);
  return {
    reason: `Bedrock does not serve ${offer.id} from ${region}. Set AWS_REGION to one of ${[...served].sort().join(', ')}.`,
  };
}

/** AWS Bedrock Runtime. */
export const about: ProviderDescriptor = {
  id: 'bedrock',
  name: 'AWS Bedrock',
  telemetryName: 'aws.bedrock',
  alsoCalled: ['Amazon Bedrock', 'AWS Bedrock'],
  /** With the names that AWS's other tools and other gateways have for them. */
  variables: {
    AWS_REGION: ['AWS_DEFAULT_REGION', 'AWS_REGION_NAME', 'AWS_BEDROCK_REGION', 'BEDROCK_REGION'],
    AWS_ACCESS_KEY_ID: ['AWS_ACCESS_KEY', 'AWS_KEY_ID'],
    AWS_SECRET_ACCESS_KEY: ['AWS_SECRET_KEY', 'AWS_SECRET', 'AWS_ACCESS_KEY_SECRET'],
    AWS_SESSION_TOKEN: ['AWS_SECURITY_TOKEN', 'AWS_TOKEN'],
    AWS_BEARER_TOKEN_BEDROCK: ['BEDROCK_API_KEY', 'AWS_BEDROCK_API_KEY', 'AWS_BEARER_TOKEN'],
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: ['AWS_ENDPOINT_URL', 'AWS_BEDROCK_RUNTIME_ENDPOINT', 'BEDROCK_BASE_URL'],
  },
  traits(api, family, id) {
    if (api === 'embeddings') return EMBEDDINGS[family];
    if (api === 'rerank') return undefined;
    if (api === 'converse') return converse(family, id);
    return api === 'invoke' ? invoke(family) : undefined;
  },
  /** The model's id inside an inference profile's id, or inside an ARN of either kind. */
  modelIn(name) {
    const segment = ARN.exec(name)?.[1];
    return segment === undefined ? withoutGeography(name) : (withoutGeography(segment) ?? segment);
  },
  upstreamFor,
  /** The geography that the id names, else those that are preferred in the region. */
  priceProfiles(upstream, region) {
    const named = geographyOf(ARN.exec(upstream)?.[1] ?? upstream);
    return GEOGRAPHIES.has(named) ? [named] : preferredIn(region);
  },
  usesRegion: true,
  /**
   * It trains on nothing and does not keep requests to open-weight models unless the account asks for it
   * (docs.aws.amazon.com/bedrock/latest/userguide/data-retention.html). Whether an account does cannot be asked: see
   * `CHASQUI_PRIVACY`.
   */
  privacy: { noCollection: true, noRetention: true },
};
