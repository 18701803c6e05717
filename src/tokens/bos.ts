import type { Bos } from './render.ts';
import { templateOf } from './templates/index.ts';

/**
 * The wires that take a raw prompt, as the catalogue names them. `replicate.vllm` and the completions are vLLM or like it,
 * with `add_special_tokens` true; `replicate.triton` gives TensorRT-LLM the text as it is; `replicate.llama-cpp` is
 * llama.cpp, which adds what the model's file says.
 */
export type RawWire =
  | 'bedrock.invoke-llama'
  | 'bedrock.invoke-mistral'
  | 'replicate.triton'
  | 'replicate.vllm'
  | 'replicate.llama-2-2023'
  | 'replicate.llama-cpp'
  | 'together.completions'
  | 'openai.completions';

const LLAMA_2: readonly string[] = ['llama-2', 'code-llama', 'code-llama-70b'];

/**
 * For which families a server adds begin-of-sequence by itself. `all`: for every one whose tokenizer has it; `unless-there`:
 * for all, in the place of one that the prompt begins with.
 * Bedrock's were read from recorded bills: "What does 'lorem ipsum' mean?" is 9 tokens and costs 10 on Llama 2, and Llama
 * 3's prompts cost what they are.
 */
const ADDED: Readonly<Record<RawWire, 'all' | 'unless-there' | readonly string[]>> = {
  'bedrock.invoke-llama': LLAMA_2,
  'bedrock.invoke-mistral': 'all',
  'replicate.triton': [],
  'replicate.vllm': 'all',
  // MLC's versions: replicate/cog-llama-template, predict.py, takes a leading `<s>` off. Older ones may add none.
  'replicate.llama-2-2023': 'unless-there',
  'replicate.llama-cpp': 'all',
  'together.completions': 'all',
  'openai.completions': 'all',
};

/** Who writes begin-of-sequence into a raw prompt on a wire. Where both may, we do: a missing one costs the most. */
export function bosOn(wire: RawWire, family: string): Bos {
  const added = ADDED[wire];
  return added === 'all' || (added !== 'unless-there' && added.includes(family)) ? 'server' : 'text';
}

/** Whether a wire, by the catalogue's name for it, takes a raw prompt. */
export const isRawWire = (wire: string): wire is RawWire => Object.hasOwn(ADDED, wire);

/** How many begin-of-sequence a server puts in front of this prompt, by the catalogue's name for its wire. */
export function bosAdded(wire: string, family: string, prompt: string): 0 | 1 {
  const begin = templateOf(family)?.begin ?? '';
  if (begin === '' || !isRawWire(wire)) return 0;
  if (ADDED[wire] === 'unless-there') return prompt.startsWith(begin) ? 0 : 1;
  return bosOn(wire, family) === 'server' ? 1 : 0;
}

/** Whether models of a family read a begin-of-sequence at all. */
export const begins = (family: string): boolean => (templateOf(family)?.begin ?? '') !== '';

/**
 * Tokens that a wire reports beyond those the model reads. TensorRT-LLM's server on Replicate counts by
 * `tokenizer(prompt)`, which adds a begin-of-sequence, and runs the prompt as it is (replicate/cog-triton, predict.py and
 * triton_model_repo/preprocessing/1/model.py).
 */
const REPORTED_EXTRA: Readonly<Record<string, number>> = { 'replicate.triton': 1 };

export const reportsExtra = (wire: string): number => REPORTED_EXTRA[wire] ?? 0;
