import type { Segment } from './segments.ts';

/** A prompt for what belongs between two texts. */
export type Infill =
  | { readonly kind: 'prompt'; readonly segments: readonly Segment[]; readonly stop: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string };

interface Form {
  readonly begin?: string;
  readonly of: (prefix: string, suffix: string) => readonly Segment[];
  readonly stop: readonly string[];
  readonly markers: readonly string[];
}

const filled = (text: string, segment: (text: string) => Segment): Segment[] => (text === '' ? [] : [segment(text)]);

/**
 * Code Llama, prefix first: `infilling_prompt_tokens` in llama/generation.py of https://github.com/meta-llama/codellama:
 * `<PRE> {prefix} <SUF>{suffix} <MID>`. The prefix gets SentencePiece's dummy space, the suffix does not; in the string
 * the first is written, and so are the spaces that belong to the names of the other two tokens.
 */
const codeLlama: Form = {
  begin: '<s>',
  of: (prefix, suffix) => [
    { special: '<PRE>', written: prefix === '' ? '<PRE> ' : '<PRE>' },
    ...filled(prefix, (text) => ({ text, written: ` ${text}` })),
    { special: '<SUF>', written: ' <SUF>' },
    ...filled(suffix, (text) => ({ text, continued: true })),
    { special: '<MID>', written: ' <MID>' },
  ],
  stop: ['<EOT>'],
  markers: ['<PRE>', '<SUF>', '<MID>', '<EOT>', '<s>', '</s>'],
};

/** Qwen Coder: https://github.com/QwenLM/Qwen3-Coder#fill-in-the-middle-with-qwen3-coder */
const qwenCoder: Form = {
  of: (prefix, suffix) => [
    { special: '<|fim_prefix|>' },
    ...filled(prefix, (text) => ({ text })),
    { special: '<|fim_suffix|>' },
    ...filled(suffix, (text) => ({ text })),
    { special: '<|fim_middle|>' },
  ],
  stop: ['<|endoftext|>', '<|fim_pad|>', '<|im_end|>'],
  markers: [
    '<|fim_prefix|>',
    '<|fim_suffix|>',
    '<|fim_middle|>',
    '<|fim_pad|>',
    '<|repo_name|>',
    '<|file_sep|>',
    '<|endoftext|>',
    '<|im_start|>',
    '<|im_end|>',
  ],
};

const FORMS: ReadonlyMap<string, Form> = new Map([
  ['code-llama', codeLlama],
  ['qwen3-coder', qwenCoder],
]);

/** Text that infilling gives a meaning, which neither side may hold. */
export const infillMarkersOf = (family: string): readonly string[] => FORMS.get(family)?.markers ?? [];

/**
 * The prompt whose answer belongs between `prefix` and `suffix`. A family has models that cannot: whether this one can is
 * the catalogue's to say.
 */
export function renderInfill(family: string, prefix: string, suffix: string, bos: 'text' | 'server' = 'text'): Infill {
  const form = FORMS.get(family);
  if (!form) return { kind: 'none', reason: `Models of the family ${family} cannot fill in between two texts.` };
  const begin: Segment[] = form.begin && bos === 'text' ? [{ special: form.begin }] : [];
  const segments = [...begin, ...form.of(prefix.toWellFormed(), suffix.toWellFormed())];
  return { kind: 'prompt', segments, stop: form.stop };
}
