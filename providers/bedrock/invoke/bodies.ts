import type { Family, PromptJob } from '../../../src/core/index.ts';
import { clampTemperature, isLlama, isMistral } from '../shared.ts';

/** What an answer says, or one chunk of it. */
export interface Piece {
  readonly text: string;
  /** Why the model stopped; undefined while it goes on. */
  readonly stop?: string;
  /** Tokens, where the body counts them. */
  readonly input?: number;
  readonly output?: number;
}

/** One maker's way to be asked and to answer. */
export interface Body {
  readonly request: (job: PromptJob) => Record<string, unknown>;
  /** Undefined where the JSON is not what this maker answers. */
  readonly read: (json: Readonly<Record<string, unknown>>) => Piece | undefined;
}

/** Meta's models stop at 512 tokens unless told otherwise, and take 2048 at most. */
const LLAMA_MAX_GEN_LEN = 2048;

const given = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
const count = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

function piece(text: unknown, stop: unknown, input?: unknown, output?: unknown): Piece | undefined {
  if (typeof text !== 'string') return undefined;
  const counts = { input: count(input), output: count(output) };
  return {
    text,
    ...(typeof stop === 'string' ? { stop } : {}),
    ...(counts.input === undefined ? {} : { input: counts.input }),
    ...(counts.output === undefined ? {} : { output: counts.output }),
  };
}

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html */
const llama: Body = {
  request: ({ prompt, sampling, maxTokens }) =>
    given({
      prompt,
      temperature: sampling.temperature === undefined ? undefined : clampTemperature(sampling.temperature),
      top_p: sampling.topP,
      max_gen_len: maxTokens ?? LLAMA_MAX_GEN_LEN,
    }),
  read: (json) =>
    'generation' in json
      ? piece(json.generation ?? '', json.stop_reason, json.prompt_token_count, json.generation_token_count)
      : undefined,
};

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-text-completion.html */
const mistral: Body = {
  request: ({ prompt, sampling, maxTokens, stop }) => {
    const sequences = stop.filter((sequence) => sequence !== '');
    return given({
      prompt,
      max_tokens: maxTokens,
      stop: sequences.length > 0 ? sequences : undefined,
      temperature: sampling.temperature === undefined ? undefined : clampTemperature(sampling.temperature),
      top_p: sampling.topP,
      top_k: sampling.topK,
    });
  },
  read: (json) => {
    const output: unknown = Array.isArray(json.outputs) ? json.outputs[0] : undefined;
    if (typeof output !== 'object' || output === null) return undefined;
    return piece('text' in output ? output.text : undefined, 'stop_reason' in output ? output.stop_reason : undefined);
  },
};

/** The body that a family's models take; undefined where this gateway knows none. */
export function bodyFor(family: Family): Body | undefined {
  if (isLlama(family)) return llama;
  return isMistral(family) ? mistral : undefined;
}
