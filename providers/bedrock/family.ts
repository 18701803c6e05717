import type { Family } from '../../src/core/index.ts';

/** Meta's models: `llama-2`, `llama-3.3`, `code-llama`. */
export const isLlama = (family: Family): boolean => /^(?:code-?)?llama/.test(family);

/** Mistral AI's: `mistral`, `mistral-3`, `mixtral`. */
export const isMistral = (family: Family): boolean => /^mi[sx]tral/.test(family);
