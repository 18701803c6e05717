import { type Json, text } from '../json.ts';
import type { Answer } from '../wire/types.ts';
import { invalidField } from './errors.ts';
import type { Model } from './models.ts';

interface Field {
  readonly type: 'number' | 'integer' | 'string';
  readonly min?: number;
  readonly max?: number;
}

/** The server software behind a model: what it takes, and what it does where nothing is said. */
export interface Engine {
  readonly fields: Readonly<Record<string, Field>>;
  /** Names of the limit, the first that is set counts. */
  readonly limit: readonly string[];
  readonly defaultLimit: number;
  /** Wraps the prompt unless the input brings a template of its own. */
  readonly template: string;
  readonly system: string;
  readonly bos: Bos;
}

/**
 * The token that begins every text. `added`: the engine puts it before the prompt, which is counted with it. `counted`: the
 * prompt is counted with it, but the engine reads it without, so a bill is one higher than what the model saw. `replaced`:
 * one that the prompt writes itself makes way for the engine's own.
 */
export type Bos = 'added' | 'counted' | 'replaced';

const number = (min?: number, max?: number): Field => ({
  type: 'number',
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
});
const integer = (min?: number): Field => ({ ...number(min), type: 'integer' });
const STRING: Field = { type: 'string' };
const TEXTS = { prompt: STRING, system_prompt: STRING, prompt_template: STRING, stop_sequences: STRING };

const ASSISTANT = 'You are a helpful, respectful and honest assistant.';
const LLAMA_2 = '[INST] <<SYS>>\n{system_prompt}\n<</SYS>>\n\n{prompt} [/INST]';
const LLAMA_3 =
  '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{system_prompt}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n{prompt}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n';

/** Versions of Llama 2 that were pinned in 2023. github.com/replicate/cog-llama-template */
const COG_LLAMA: Engine = {
  fields: {
    ...TEXTS,
    max_new_tokens: integer(1),
    min_new_tokens: integer(-1),
    temperature: number(0.01, 5),
    top_p: number(0, 1),
    repetition_penalty: number(0),
    seed: integer(),
  },
  limit: ['max_new_tokens'],
  defaultLimit: 128,
  template: LLAMA_2,
  system: ASSISTANT,
  bos: 'replaced',
};

/** Official Llama 2 and 3. github.com/replicate/cog-triton */
const COG_TRITON: Engine = {
  fields: {
    ...TEXTS,
    max_tokens: integer(1),
    max_new_tokens: integer(1),
    min_tokens: integer(-1),
    temperature: number(0, 5),
    top_p: number(0, 1),
    top_k: integer(-1),
    length_penalty: number(0, 5),
    presence_penalty: number(),
    seed: integer(),
  },
  limit: ['max_tokens', 'max_new_tokens'],
  defaultLimit: 512,
  template: LLAMA_2,
  system: ASSISTANT,
  bos: 'counted',
};

/** Code Llama, whose server puts the token that begins a text where the model's file says so. */
const LLAMA_CPP: Engine = { ...COG_TRITON, bos: 'added' };

/** The newer official models. github.com/replicate/cog-vllm */
const COG_VLLM: Engine = {
  fields: {
    ...TEXTS,
    max_tokens: integer(),
    min_tokens: integer(),
    temperature: number(),
    top_p: number(),
    top_k: integer(),
    presence_penalty: number(),
    frequency_penalty: number(),
    seed: integer(),
  },
  limit: ['max_tokens'],
  defaultLimit: 512,
  template: LLAMA_3,
  system: 'You are a helpful assistant.',
  bos: 'added',
};

const ENGINES: readonly (readonly [RegExp, Engine])[] = [
  [/codellama/, LLAMA_CPP],
  [/llama-2|llama-3-/, COG_TRITON],
];

export function engineOf({ name, version, base }: Model): Engine {
  const pinned = version !== undefined && /llama-2/.test(name);
  const served = ENGINES.find(([pattern]) => pattern.test(name))?.[1] ?? COG_VLLM;
  const engine = pinned ? COG_LLAMA : served;
  if (base) return { ...engine, template: '{prompt}' };
  return /llama-[34]/.test(name) ? { ...engine, template: LLAMA_3 } : engine;
}

/** Replicate's refusal of an input, if it has one. Names that the schema does not have are ignored. */
export function checkInput(input: Json, { fields }: Engine): Answer | undefined {
  if (input.prompt === undefined) return invalidField('input', 'required', 'prompt is required');
  for (const [name, { type, min, max }] of Object.entries(fields)) {
    const value = input[name];
    if (value === undefined) continue;
    const right = type === 'integer' ? Number.isInteger(value) : typeof value === type;
    if (!right) {
      return invalidField(`input.${name}`, 'invalid_type', `Invalid type. Expected: ${type}, given: ${typeof value}`);
    }
    if (min !== undefined && Number(value) < min) {
      return invalidField(`input.${name}`, 'number_gte', `Must be greater than or equal to ${min}`);
    }
    if (max !== undefined && Number(value) > max) {
      return invalidField(`input.${name}`, 'number_lte', `Must be less than or equal to ${max}`);
    }
  }
  return undefined;
}

/** A failure of the engine itself, which is in the prediction's `error` and no HTTP status. */
export class EngineError extends Error {}

/** The prompt as the model sees it: `prompt_template` is a Python format string, its braces mean something. */
export function render(input: Json, engine: Engine): string {
  const template = typeof input.prompt_template === 'string' ? input.prompt_template : engine.template;
  if (!template.includes('{prompt}')) {
    throw new EngineError(
      "E1003 BadPromptTemplate: You have submitted a prompt template that doesn't include the input prompt.",
    );
  }
  const slots: Readonly<Record<string, string>> = {
    prompt: text(input.prompt),
    system_prompt: typeof input.system_prompt === 'string' ? input.system_prompt : engine.system,
  };
  return template.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (found, name: string | undefined) => {
    if (found === '{{' || found === '}}') return found.charAt(0);
    const value = name === undefined ? undefined : slots[name];
    if (value === undefined) {
      throw new EngineError('E1004 PromptTemplateError: Prompt template must be a valid python format spec.');
    }
    return value;
  });
}
