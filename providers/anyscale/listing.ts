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

/** Whether llama.cpp answered: it tells more by `GET /props`. */
export const isLlamaCpp = (body: unknown): boolean =>
  isObject(body) &&
  Array.isArray(body.data) &&
  body.data.length === 1 &&
  isObject(body.data[0]) &&
  body.data[0].owned_by === 'llamacpp';

/**
 * What llama.cpp's `GET /props` adds: the context of a slot, whether it takes images, and whether the model's template has
 * a place for tools. Where it has none the server leaves tools out without a word.
 */
export function readProps(body: unknown): Omit<Listed, 'id'> {
  if (!isObject(body)) return {};
  const contextLength = count(at(body, 'default_generation_settings.n_ctx'));
  const vision = flag(at(body, 'modalities.vision'));
  const tools = flag(at(body, 'chat_template_caps.supports_tools'));
  return {
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(vision === undefined ? {} : { vision }),
    ...(tools === undefined ? {} : { tools }),
  };
}
