import type { ApiTraits, Family, Parameter, ProviderDescriptor } from '../../src/core/index.ts';

const takes = (...more: Parameter[]): ReadonlySet<Parameter> => new Set(['maxTokens', 'temperature', 'topP', ...more]);

/**
 * The engines that Replicate runs models with. None is sent `stop`: their `stop_sequences` is one string with commas
 * between, so the gateway applies stop strings itself. Each has a default `max_tokens` (their predict.py).
 */
const ENGINES = {
  // replicate/cog-triton, predict.py: official Llama 2 and 3.
  triton: {
    name: 'replicate.triton',
    takes: takes('topK', 'seed', 'presencePenalty'),
    truncates: true,
    // TensorRT-LLM gets the text as it is.
    addsBos: [],
    // Its server counts by `tokenizer(prompt)`, which adds a begin-of-sequence, and runs the prompt as it is
    // (replicate/cog-triton, predict.py and triton_model_repo/preprocessing/1/model.py).
    reportsExtra: 1,
  },
  // replicate/cog-vllm, predict.py: newer official models. It tokenizes with `add_special_tokens` true.
  vllm: {
    name: 'replicate.vllm',
    takes: takes('topK', 'seed', 'presencePenalty', 'frequencyPenalty'),
    truncates: true,
    addsBos: 'all',
  },
  // replicate/cog-codellama-cpp, predict.py: Code Llama. llama.cpp adds what the model's file says.
  llamaCpp: {
    name: 'replicate.llama-cpp',
    takes: takes('frequencyPenalty', 'presencePenalty', 'repetitionPenalty', 'topK'),
    truncates: true,
    addsBos: 'all',
  },
  // replicate/cog-llama-template, predict.py: versions of Llama 2 pinned in 2023.
  llama2023: {
    name: 'replicate.llama-2-2023',
    takes: takes('seed', 'repetitionPenalty'),
    truncates: true,
    // MLC's versions take a leading `<s>` off. Older ones may add none.
    addsBos: 'unless-there',
  },
} as const satisfies Record<string, ApiTraits>;

export type ReplicateEngine = keyof typeof ENGINES;

/** A version is pinned: `owner/name:version`, or the version alone. */
const VERSION = /:|^[0-9a-f]{64}$/;

/** The engine behind a model. It decides which inputs a prediction takes, and what is added to its prompt. */
export function engineOf(family: Family, upstream: string): ReplicateEngine {
  const pinned = VERSION.test(upstream);
  if (family.startsWith('code-llama')) return 'llamaCpp';
  if (family === 'llama-2') return pinned ? 'llama2023' : 'triton';
  return family === 'llama-3' && !pinned ? 'triton' : 'vllm';
}

const VERSIONED = /^([^:]+):[0-9a-f]{64}$/;

/** Replicate, which serves open-weight models as predictions: one finished prompt in, text out. */
export const about: ProviderDescriptor = {
  id: 'replicate',
  name: 'Replicate',
  variables: {
    REPLICATE_API_TOKEN: ['REPLICATE_API_KEY', 'REPLICATE_TOKEN', 'REPLICATE_KEY'],
    REPLICATE_BASE_URL: ['REPLICATE_API_BASE', 'REPLICATE_API_URL', 'REPLICATE_URL'],
  },
  traits: (api, family, upstream = '') => (api === 'predictions' ? ENGINES[engineOf(family, upstream)] : undefined),
  // Its Code Llama versions wrap every prompt in a template of their own, so a whole conversation cannot be sent.
  rendersByItself: (family, base) => family === 'code-llama' && !base,
  /** `owner/name` of `owner/name:version`, where the version is 64 hexadecimal digits. */
  modelIn: (name) => VERSIONED.exec(name)?.[1],
  /**
   * An official model, priced by the token, goes by its name; any other only by one of its versions
   * (replicate.com/docs/topics/models/official-models).
   */
  upstreamFor(offer) {
    if (offer.billing !== 'time') return { id: offer.id };
    const [version] = offer.versions;
    if (version) return { id: `${offer.id}:${version.hash}` };
    return {
      reason: `Replicate runs ${offer.id} by version only. Ask for ${offer.id}:<version>, as its page shows it.`,
    };
  },
  // Input and output of a prediction are kept for an hour (replicate.com/docs/topics/predictions/data-retention).
  privacy: { noCollection: false, noRetention: false },
  // The create, the event stream, and two looks at what it came to.
  requestsPerJob: 4,
};
