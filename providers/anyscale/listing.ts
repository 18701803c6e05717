import { isObject, type JsonObject } from '../../src/core/index.ts';

/** A model as its server lists it. */
export interface Listed {
  /** The id to send. */
  readonly id: string;
  /** What it was loaded from, where the server tells and that is another name. */
  readonly weights?: string;
  /** Tokens of prompt and answer together. */
  readonly contextLength?: number;
  readonly maxOutput?: number;
  readonly vision?: boolean;
  readonly tools?: boolean;
}

/** Nobody serves as many; a list that does not end is cut. */
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

function first<T>(entry: JsonObject, paths: readonly string[], read: (value: unknown) => T | undefined): T | undefined {
  for (const path of paths) {
    const value = read(at(entry, path));
    if (value !== undefined) return value;
  }
  return undefined;
}

/**
 * Where servers put what a model can take. vLLM and SGLang: `max_model_len`, `root`. llama.cpp: `meta.n_ctx`, of one slot (older
 * ones know only `n_ctx_train` here, which is not what they were started with). Ray Serve: `metadata`, in older versions
 * `rayllm_metadata`. Groq: `context_window`, `max_completion_tokens`. Fireworks: `context_length`, `supports_…`. DeepInfra:
 * `metadata.context_length`. Mistral: `max_context_length`, `capabilities`. OpenRouter: `context_length`, `architecture`.
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

function listed(entry: unknown): Listed[] {
  if (!isObject(entry)) return [];
  const id = text(entry.id);
  if (id === undefined) return [];
  const root = text(entry.root);
  const contextLength = first(entry, CONTEXT, count);
  const maxOutput = first(entry, OUTPUT, count);
  const vision = first(entry, VISION, flag) ?? first(entry, MODALITIES, images);
  const tools = first(entry, TOOLS, flag);
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

/** The answer of `GET /v1/models`; undefined if it is none. An id that comes twice counts once. */
export function readListing(body: unknown): readonly Listed[] | undefined {
  const list = Array.isArray(body) ? body : isObject(body) ? body.data : undefined;
  if (!Array.isArray(list)) return undefined;
  const byId = new Map<string, Listed>();
  for (const entry of list.slice(0, MAX_MODELS).flatMap(listed)) if (!byId.has(entry.id)) byId.set(entry.id, entry);
  return [...byId.values()];
}

type More = Omit<Listed, 'id'>;

/**
 * llama.cpp's `GET /props`: the context of a slot, whether it takes images, and whether the model's template has a place for
 * tools. Where it has none the server leaves tools out without a word.
 */
function readProps(body: JsonObject): More {
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
function readInfo(body: JsonObject): More {
  const contextLength = count(body.max_total_tokens);
  return contextLength === undefined ? {} : { contextLength };
}

/** Servers of one model that say more about it elsewhere, beside `/v1`, by what tells them apart in their list. */
const ELSEWHERE: readonly {
  readonly is: (entry: JsonObject) => boolean;
  readonly path: string;
  readonly read: (body: JsonObject) => More;
}[] = [
  { is: (entry) => entry.owned_by === 'llamacpp', path: '/props', read: readProps },
  // huggingface/text-generation-inference, router/src/server.rs, openai_get_model_info
  { is: ({ id, created, owned_by: owner }) => created === 0 && owner === id, path: '/info', read: readInfo },
];

/** Where a server that answered `GET /v1/models` so says more, and how that is read; undefined where there is no such place. */
export function moreAbout(
  body: unknown,
): { readonly path: string; readonly read: (body: unknown) => More } | undefined {
  const list = isObject(body) && Array.isArray(body.data) ? body.data : [];
  const only: unknown = list.length === 1 ? list[0] : undefined;
  const place = isObject(only) ? ELSEWHERE.find(({ is }) => is(only)) : undefined;
  return place && { path: place.path, read: (said) => (isObject(said) ? place.read(said) : {}) };
}
