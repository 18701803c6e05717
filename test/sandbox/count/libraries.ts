import { DEEPSEEK, PATTERNS } from '../../tokens/patterns.ts';
import { bytePairs } from './byte-pairs.ts';
import type { Library } from './types.ts';

/**
 * Independent of the gateway's own tokenizers, which are checked against what is counted here. They build their tables as
 * they are imported, for up to a third of a second, so each is imported by the first request that needs it.
 */
export const LIBRARIES = {
  llama2: async (): Promise<Library> => {
    const { default: tokenizer } = await import('llama-tokenizer-js');
    return {
      encode: (text) => tokenizer.encode(text, false, true),
      decode: (ids) => tokenizer.decode([...ids], false, false),
      leadingSpace: true,
    };
  },
  mistral: async (): Promise<Library> => {
    const { default: tokenizer } = await import('mistral-tokenizer-js');
    return {
      encode: (text) => tokenizer.encode(text, false, true),
      decode: (ids) => tokenizer.decode(ids, false, false),
      leadingSpace: true,
    };
  },
  llama3: async (): Promise<Library> => {
    const { default: tokenizer } = await import('llama3-tokenizer-js');
    return {
      // It reads special tokens in a text as such, which is what a server does with a rendered prompt.
      encode: (text) => tokenizer.encode(text, { bos: false, eos: false }),
      decode: (ids) => tokenizer.decode([...ids]),
      leadingSpace: false,
    };
  },
  o200k: async (): Promise<Library> => {
    const { encode, decode } = await import('gpt-tokenizer/encoding/o200k_base');
    return {
      encode: (text) => encode(text, { disallowedSpecial: new Set() }),
      decode: (ids) => decode(ids),
      leadingSpace: false,
      slowOn: /\S{2000}|\s{2000}/,
    };
  },
  llama4: async () => {
    const { default: file } = await import('../../../src/assets/vocab/llama4.bin');
    return bytePairs(file, [PATTERNS.llama4]);
  },
  qwen: async () => {
    const { default: file } = await import('../../../src/assets/vocab/qwen.bin');
    const library = bytePairs(file, [PATTERNS.qwen]);
    return { ...library, encode: (text) => library.encode(text.normalize('NFC')) };
  },
  deepseek: async () => {
    const { default: file } = await import('../../../src/assets/vocab/deepseek.bin');
    return bytePairs(file, DEEPSEEK, 3);
  },
} satisfies Readonly<Record<string, () => Promise<Library>>>;
