/** Independent tokenizers to compare with, and what is known to be wrong in each. */
import * as o200k from 'gpt-tokenizer/encoding/o200k_base';
import llamaTokenizer from 'llama-tokenizer-js';
import llama3Tokenizer from 'llama3-tokenizer-js';
import mistralTokenizer from 'mistral-tokenizer-js';

export type OracleFamily = 'llama2' | 'mistral' | 'llama3' | 'o200k';

export interface Oracle {
  readonly encode: (text: string) => number[];
  /** Texts on which the library is known to be wrong, and why. */
  readonly wrong: (text: string) => boolean;
}

/** JavaScript's `\s` has U+FEFF and lacks U+0085; the references have it the other way round. */
const spaceDiffers = (text: string): boolean => /[\u0085\ufeff]/.test(text);

/** `(?i:'s)` takes the long s in the references; the libraries spell out `[sS]`. */
const foldsLongS = (text: string): boolean => text.includes("'\u017f");

export const ORACLES: Readonly<Record<OracleFamily, Oracle>> = {
  llama2: { encode: (text) => llamaTokenizer.encode(text, false, true), wrong: () => false },
  mistral: { encode: (text) => mistralTokenizer.encode(text, false, true), wrong: () => false },
  llama3: {
    encode: (text) => llama3Tokenizer.encode(text, { bos: false, eos: false }),
    // It reads special tokens in a text as such.
    wrong: (text) => spaceDiffers(text) || foldsLongS(text) || text.includes('<|'),
  },
  o200k: {
    encode: (text) => o200k.encode(text, { disallowedSpecial: new Set() }),
    wrong: (text) => spaceDiffers(text) || foldsLongS(text),
  },
};
