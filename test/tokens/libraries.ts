/** Independent tokenizers, fed with our vocabularies. */
import { Tokenizer } from '@huggingface/tokenizers';
import { Tiktoken } from 'tiktoken';
import { printableBytes } from './printable-bytes.ts';

/** The tokens of a vocabulary file, in the order of their ids. */
export function tokensOf(file: ArrayBuffer): Uint8Array[] {
  const size = new DataView(file).getUint32(0, true);
  let at = 8 + size;
  return Array.from(new Uint8Array(file, 8, size), (length) => {
    at += length;
    return new Uint8Array(file, at - length, length);
  });
}

type Encode = (text: string) => number[];

const NONE: string[] = [];

/** OpenAI's Rust core, compiled to WebAssembly, with other ranks and another pattern. */
export function tiktoken(tokens: readonly Uint8Array[], pattern: string): Encode {
  const lines = tokens.map((token, rank) => `${Buffer.from(token).toString('base64')} ${rank}`);
  const library = new Tiktoken(lines.join('\n'), {}, pattern);
  return (text) => [...library.encode(text, NONE, NONE)];
}

/** Every way to make a token of two, in the order of what comes out. */
function mergesOf(words: readonly string[]): [string, string][] {
  const known = new Set(words);
  const merges: [string, string][] = [];
  for (const word of words) {
    for (let at = 1; at < word.length; at++) {
      const pair: [string, string] = [word.slice(0, at), word.slice(at)];
      if (known.has(pair[0]) && known.has(pair[1])) merges.push(pair);
    }
  }
  return merges;
}

const huggingFace = (config: object): Encode => {
  const library = new Tokenizer(config, {});
  return (text) => library.encode(text, { add_special_tokens: false }).ids;
};

const BASE = { version: '1.0', truncation: null, padding: null, added_tokens: [], post_processor: null, decoder: null };

/** Hugging Face's tokenizers in JavaScript, byte-level, with the patterns that cut one after another. */
export function huggingFaceBytes(tokens: readonly Uint8Array[], patterns: readonly string[]): Encode {
  const characters = new Map([...printableBytes()].map(([character, byte]) => [byte, character]));
  const words = tokens.map((token) => Array.from(token, (byte) => characters.get(byte)).join(''));
  return huggingFace({
    ...BASE,
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        ...patterns.map((Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false })),
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    model: { type: 'BPE', vocab: Object.fromEntries(words.map((word, id) => [word, id])), merges: mergesOf(words) },
  });
}

/** The same, as SentencePiece. */
export function huggingFacePieces(tokens: readonly Uint8Array[]): Encode {
  const decoder = new TextDecoder();
  const words = tokens.map((token) => decoder.decode(token).replaceAll(' ', '\u2581'));
  const bytes = Array.from({ length: 256 }, (_, n) => `<0x${n.toString(16).toUpperCase().padStart(2, '0')}>`);
  const all = ['<unk>', '<s>', '</s>', ...bytes, ...words];
  return huggingFace({
    ...BASE,
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '\u2581' },
        { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' },
      ],
    },
    pre_tokenizer: null,
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(all.map((word, id) => [word, id])),
      merges: mergesOf(words),
    },
  });
}
