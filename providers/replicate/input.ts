/** The request that creates a prediction: its route, its headers, and the input of the engine that runs the model. */
import { GatewayError, type PromptJob, type Sampling } from '../../src/core/index.ts';
import { engineOf, type ReplicateEngine } from './about.ts';

/** How one engine takes one of our parameters: its names for it, and the range it accepts. */
interface Field {
  readonly names: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

type Tuned = 'temperature' | 'topP' | 'topK' | 'seed' | 'presencePenalty' | 'frequencyPenalty' | 'repetitionPenalty';

interface EngineInput {
  readonly maxTokens: Field;
  readonly sampling: Readonly<Partial<Record<Tuned, Field>>>;
  /** Takes `prompt_template`, without which it wraps the prompt in a template and system prompt of its own. */
  readonly template: boolean;
  /** Takes `stop_sequences`, one string with commas between the sequences. */
  readonly stop: boolean;
}

const field = (...names: string[]): Field => ({ names });
const within = (min: number, max: number, ...names: string[]): Field => ({ names, min, max });

/**
 * What the engines behind Replicate's language models take. Sources: `predict.py` of replicate/cog-llama-template,
 * replicate/cog-triton, replicate/cog-vllm and replicate/cog-codellama-cpp, and the models' schema pages.
 * Code Llama was served by two engines over time: both names go out, and an engine ignores the one it does not know.
 */
const ENGINES: Readonly<Record<ReplicateEngine, EngineInput>> = {
  /** Versions of Llama 2 pinned in 2023. A temperature of 0 is refused with 422. */
  llama2023: {
    maxTokens: field('max_new_tokens'),
    sampling: {
      temperature: within(0.01, 5, 'temperature'),
      topP: field('top_p'),
      seed: field('seed'),
      repetitionPenalty: field('repetition_penalty'),
    },
    template: true,
    stop: true,
  },
  /** Official Llama 2 and Llama 3. */
  triton: {
    maxTokens: field('max_tokens'),
    sampling: {
      temperature: within(0, 5, 'temperature'),
      topP: field('top_p'),
      topK: field('top_k'),
      seed: field('seed'),
      presencePenalty: field('presence_penalty'),
    },
    template: true,
    stop: true,
  },
  /** Newer official models. */
  vllm: {
    maxTokens: field('max_tokens'),
    sampling: {
      temperature: within(0, 5, 'temperature'),
      topP: field('top_p'),
      topK: field('top_k'),
      seed: field('seed'),
      presencePenalty: field('presence_penalty'),
      frequencyPenalty: field('frequency_penalty'),
    },
    template: true,
    stop: true,
  },
  llamaCpp: {
    maxTokens: field('max_tokens', 'max_new_tokens'),
    sampling: {
      temperature: within(0.01, 5, 'temperature'),
      topP: field('top_p'),
      topK: field('top_k'),
      presencePenalty: within(0, 2, 'presence_penalty'),
      frequencyPenalty: within(0, 2, 'frequency_penalty'),
      repetitionPenalty: field('repeat_penalty', 'repetition_penalty'),
    },
    template: false,
    stop: false,
  },
};

/** cog-triton and cog-vllm treat a seed of 0 as no seed. We send this one instead, so that 0 is repeatable, too. */
const SEED_ZERO = 2 ** 31 - 1;

function put(input: Record<string, unknown>, { names, min, max }: Field, value: number): void {
  const fitting = Math.min(max ?? value, Math.max(min ?? value, value));
  for (const name of names) input[name] = fitting;
}

/** The `input` of a prediction. Throws `unsupported_parameter` for a stop sequence that the engine cannot be sent. */
function inputOf(job: PromptJob): Record<string, unknown> {
  const engine = ENGINES[engineOf(job.family, job.model)];
  const input: Record<string, unknown> = { prompt: job.prompt };
  // `prompt_template` is a Python format string, so the caller's text must never be part of it.
  if (engine.template) input.prompt_template = '{prompt}';
  if (job.maxTokens !== undefined) put(input, engine.maxTokens, job.maxTokens);
  const sampling: Sampling = job.sampling.seed === 0 ? { ...job.sampling, seed: SEED_ZERO } : job.sampling;
  for (const name of Object.keys(engine.sampling) as Tuned[]) {
    const to = engine.sampling[name];
    const value = sampling[name];
    if (to && value !== undefined) put(input, to, value);
  }
  if (job.stop.length > 0) input.stop_sequences = stopSequences(job.stop, engine);
  return input;
}

function stopSequences(stop: readonly string[], engine: EngineInput): string {
  if (engine.stop && stop.every((sequence) => !sequence.includes(','))) return stop.join(',');
  throw new GatewayError(
    'unsupported_parameter',
    'This model on Replicate cannot be sent these stop sequences. Leave them out, or ask another provider.',
    { provider: 'replicate', param: 'stop' },
  );
}

/** The one request that creates a prediction. */
export interface CreateRequest {
  /** Below the API's base URL. */
  readonly route: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, unknown>>;
}

const OFFICIAL = /^(\w[\w.-]{0,127})\/(\w[\w.-]{0,127})$/;
const PINNED = /^(?:\w[\w.-]{0,127}\/\w[\w.-]{0,127}:([0-9a-z]{4,128})|([0-9a-f]{64}))$/;

/**
 * The longest time, in seconds, that the create request waits for the answer (`Prefer: wait=n`, n ≤ 60). It is short,
 * because a prediction can be cancelled only by its id, which comes with this answer. After that we poll.
 */
const MAX_WAIT_S = 5;

/** `Prefer: wait=n` in whole seconds, within the deadline. */
const preferWait = (deadlineMs: number): string =>
  `wait=${Math.min(MAX_WAIT_S, Math.max(1, Math.floor(deadlineMs / 1000)))}`;

const MIN_CANCEL_AFTER_S = 5;
/** Replicate ends every run after 30 minutes. */
const MAX_CANCEL_AFTER_S = 30 * 60;

/**
 * `Cancel-After` for a deadline: seconds up to a minute, whole minutes above it, rounded up. It limits the cost of a
 * prediction that nobody is left to cancel. https://replicate.com/changelog/2025-10-16-prediction-deadlines
 */
export function cancelAfter(deadlineMs: number): string {
  const seconds = Math.min(MAX_CANCEL_AFTER_S, Math.max(MIN_CANCEL_AFTER_S, Math.ceil(deadlineMs / 1000)));
  return seconds <= 60 ? `${seconds}s` : `${Math.ceil(seconds / 60)}m`;
}

/** The request for a job. Official models go by their name, all others by their version. */
export function createRequest(job: PromptJob): CreateRequest {
  const headers: Record<string, string> = { 'Cancel-After': cancelAfter(job.deadlineMs) };
  if (!job.stream) headers.Prefer = preferWait(job.deadlineMs);
  const official = OFFICIAL.exec(job.model);
  if (official) {
    return { route: `models/${official[1]}/${official[2]}/predictions`, headers, data: { input: inputOf(job) } };
  }
  const pinned = PINNED.exec(job.model);
  const version = pinned?.[1] ?? pinned?.[2];
  if (version) return { route: 'predictions', headers, data: { version, input: inputOf(job) } };
  throw new GatewayError(
    'model_not_found',
    'Replicate names models as owner/name, owner/name:version or version. Correct the name of this one.',
    { provider: 'replicate' },
  );
}
