/**
 * One service: where it is, how to ask it for something other than an answer, and which models its server lists (GET
 * /v1/models) with context, output limit and abilities.
 */
import {
  type Discovery,
  type Fetch,
  GatewayError,
  isObject,
  type JsonObject,
  type ServiceOffer,
  unreachable,
} from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { errorFromAnswer } from '../openai/index.ts';

/** One deployment: its address and credentials. */
export interface Service {
  readonly id: string;
  /** Without a slash at its end; usually ends in `/v1`. */
  readonly baseUrl: string;
  readonly token?: string;
  /** Sent with every request, for example to an access proxy in front of the server. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Reaches the service through a binding of the Worker. Absent: over the network. */
  readonly fetch?: Fetch;
}

/** The settings of a model, apart from its names. */
export type ModelSettings = Omit<ServiceOffer, 'provider' | 'service' | 'model' | 'upstream'>;

/** A service as configured. Its `offers` do not name the provider yet. */
export interface ConfiguredService extends Service {
  readonly offers: readonly Omit<ServiceOffer, 'provider'>[];
  /** Settings of models that the server lists and the configuration does not. Absent: the server is not asked. */
  readonly listed?: ModelSettings;
  /** A whole sentence about an address that is probably wrong. */
  readonly warning?: string;
}

/** Characters of a list of models, or of the tokens of a long text. */
const MAX_ANSWER = 16 * 1024 * 1024;

/** Headers of every request to a service. */
export const headersFor = ({ token, headers }: Service): Readonly<Record<string, string>> => ({
  ...headers,
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
});

/** The server's root, without `/v1`: for routes that stand beside it. */
export const rootOf = ({ baseUrl }: Service): string => baseUrl.replace(/\/v\d+$/, '');

/** A server's answer: parsed JSON, or text. Status 0: the server could not be reached, or not in time. */
export interface ServiceReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Sends a small request: GET, or POST with a body. Never throws. */
export async function callService(
  service: Service,
  url: string,
  body: unknown,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<ServiceReply> {
  try {
    const response = await (service.fetch ?? fetch)(url, {
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headersFor(service) },
      signal,
      // A redirect may send the token to another host.
      redirect: 'manual',
    });
    const { text, cut } = await bodyText(response, signal, MAX_ANSWER);
    if (cut || signal.aborted) return { status: 0, headers: response.headers, body: undefined };
    return { status: response.status, headers: response.headers, body: parsed(text) };
  } catch {
    // The message of fetch's error may contain hosts and paths.
    return { status: 0, headers: new Headers(), body: undefined };
  }
}

/** A model as its server lists it. */
interface ListedModel {
  /** The id to send. */
  readonly id: string;
  /** The repository or file that it was loaded from, if it differs from the id. */
  readonly weights?: string;
  /** Tokens of prompt and answer together. */
  readonly contextLength?: number;
  readonly maxOutput?: number;
  readonly vision?: boolean;
  readonly tools?: boolean;
}

/** More than any known server has. A longer list is cut. */
const MAX_MODELS = 5_000;
const MAX_ID = 512;

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= MAX_ID ? value : undefined;

const flag = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined);

function at(entry: JsonObject, path: string): unknown {
  let value: unknown = entry;
  for (const step of path.split('.')) value = isObject(value) ? value[step] : undefined;
  return value;
}

function firstOf<T>(
  entry: JsonObject,
  paths: readonly string[],
  read: (value: unknown) => T | undefined,
): T | undefined {
  for (const path of paths) {
    const value = read(at(entry, path));
    if (value !== undefined) return value;
  }
  return undefined;
}

/**
 * Fields in which servers list a model's limits and abilities. vLLM and SGLang: `max_model_len`, `root`. llama.cpp:
 * `meta.n_ctx` of one slot (older versions only have `n_ctx_train`, which is not the configured context). Ray Serve:
 * `metadata`, formerly `rayllm_metadata`. Groq: `context_window`, `max_completion_tokens`. Fireworks: `context_length`,
 * `supports_…`. DeepInfra: `metadata.context_length`. Mistral: `max_context_length`, `capabilities`. OpenRouter:
 * `context_length`, `architecture`.
 */
const CONTEXT = [
  'max_model_len',
  'meta.n_ctx',
  'metadata.max_request_context_length',
  'rayllm_metadata.max_request_context_length',
  'context_length',
  'context_window',
  'max_context_length',
  'metadata.context_length',
];
const OUTPUT = ['max_completion_tokens', 'top_provider.max_completion_tokens', 'metadata.max_tokens'];
const VISION = ['supports_image_input', 'capabilities.vision'];
const TOOLS = ['supports_tools', 'capabilities.function_calling'];
const MODALITIES = ['architecture.input_modalities', 'input_modalities'];

const images = (value: unknown): boolean | undefined =>
  Array.isArray(value) && value.length > 0 ? value.includes('image') : undefined;

function listed(entry: unknown): ListedModel[] {
  if (!isObject(entry)) return [];
  const id = text(entry.id);
  if (id === undefined) return [];
  const root = text(entry.root);
  const contextLength = firstOf(entry, CONTEXT, count);
  const maxOutput = firstOf(entry, OUTPUT, count);
  const vision = firstOf(entry, VISION, flag) ?? firstOf(entry, MODALITIES, images);
  const tools = firstOf(entry, TOOLS, flag);
  return [
    {
      id,
      ...(root === undefined || root === id ? {} : { weights: root }),
      ...(contextLength === undefined ? {} : { contextLength }),
      ...(maxOutput === undefined ? {} : { maxOutput }),
      ...(vision === undefined ? {} : { vision }),
      ...(tools === undefined ? {} : { tools }),
    },
  ];
}

/** Reads the answer of `GET /v1/models`. Undefined if it is not a list. An id that comes twice counts once. */
function readListing(body: unknown): readonly ListedModel[] | undefined {
  const list = Array.isArray(body) ? body : isObject(body) ? body.data : undefined;
  if (!Array.isArray(list)) return undefined;
  const byId = new Map<string, ListedModel>();
  for (const entry of list.slice(0, MAX_MODELS).flatMap(listed)) if (!byId.has(entry.id)) byId.set(entry.id, entry);
  return [...byId.values()];
}

type ModelDetails = Omit<ListedModel, 'id'>;

/**
 * llama.cpp's `GET /props`: the context of a slot, whether the model takes images, and whether its prompt template
 * takes tools. If it does not, the server leaves tools out without an error.
 */
function readProps(body: JsonObject): ModelDetails {
  const contextLength = count(at(body, 'default_generation_settings.n_ctx'));
  const vision = flag(at(body, 'modalities.vision'));
  const tools = flag(at(body, 'chat_template_caps.supports_tools'));
  return {
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(vision === undefined ? {} : { vision }),
    ...(tools === undefined ? {} : { tools }),
  };
}

/** text-generation-inference's `GET /info`: `max_total_tokens` are those of prompt and answer together. */
function readInfo(body: JsonObject): ModelDetails {
  const contextLength = count(body.max_total_tokens);
  return contextLength === undefined ? {} : { contextLength };
}

/** Servers of one model that say more about it on a route beside `/v1`. `is` recognises the server by its list. */
const DETAIL_ROUTES: readonly {
  readonly is: (entry: JsonObject) => boolean;
  readonly path: string;
  readonly read: (body: JsonObject) => ModelDetails;
}[] = [
  { is: (entry) => entry.owned_by === 'llamacpp', path: '/props', read: readProps },
  // huggingface/text-generation-inference, router/src/server.rs, openai_get_model_info
  { is: ({ id, created, owned_by: owner }) => created === 0 && owner === id, path: '/info', read: readInfo },
];

/** The route with more about a server's model, and how to read it. Undefined if there is no such route. */
function detailRoute(
  body: unknown,
): { readonly path: string; readonly read: (body: unknown) => ModelDetails } | undefined {
  const list = isObject(body) && Array.isArray(body.data) ? body.data : [];
  const only: unknown = list.length === 1 ? list[0] : undefined;
  const place = isObject(only) ? DETAIL_ROUTES.find(({ is }) => is(only)) : undefined;
  return place && { path: place.path, read: (said) => (isObject(said) ? place.read(said) : {}) };
}

/** The configured settings, completed by what the server lists. */
function complete(
  settings: ModelSettings,
  { weights, contextLength, maxOutput, vision, tools }: Omit<ListedModel, 'id'>,
) {
  const listed = { ...(vision === undefined ? {} : { vision }), ...(tools === undefined ? {} : { tools }) };
  const capabilities = { ...listed, ...settings.capabilities };
  return {
    ...(weights === undefined ? {} : { weights }),
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(maxOutput === undefined ? {} : { maxOutput }),
    ...settings,
    ...(Object.keys(capabilities).length > 0 ? { capabilities } : {}),
  };
}

async function listAt(
  entry: ConfiguredService,
  name: string,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<readonly ListedModel[]> {
  const upstream = { id: name, name };
  const { status, headers, body } = await callService(entry, `${entry.baseUrl}/models`, undefined, fetch, signal);
  if (status === 0) throw unreachable(name).with({ provider: name });
  if (status < 200 || status > 299) throw errorFromAnswer(upstream, status, headers, body);
  const models = readListing(body);
  if (!models) {
    throw new GatewayError('provider_error', `${name} answered GET /v1/models with no list of models.`, {
      provider: name,
    });
  }
  const [only] = models;
  const more = detailRoute(body);
  if (!only || !more) return models;
  const details = await callService(entry, `${rootOf(entry)}${more.path}`, undefined, fetch, signal);
  return details.status === 200 ? [{ ...only, ...more.read(details.body) }] : models;
}

/** Lists a service's models, the configured ones first. Undefined if its server is not asked. */
export function discoveryOf(provider: string, entry: ConfiguredService, fetch: Fetch): Discovery | undefined {
  const { id: service, offers, listed: settings } = entry;
  if (!settings) return undefined;
  const configured = new Set(offers.map(({ upstream }) => upstream));
  return {
    provider,
    service,
    async list(signal): Promise<readonly ServiceOffer[]> {
      const models = await listAt(entry, service, fetch, signal);
      const byId = new Map(models.map((model) => [model.id, model]));
      return [
        ...offers.map((offer) => {
          const model = byId.get(offer.upstream);
          return { provider, ...offer, ...(model ? complete(offer, model) : {}) };
        }),
        ...models
          .filter(({ id }) => !configured.has(id))
          .map((model) => ({ provider, service, model: model.id, upstream: model.id, ...complete(settings, model) })),
      ];
    },
  };
}
