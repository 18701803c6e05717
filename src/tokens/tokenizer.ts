import { BlockCounts, blockEnd } from './engine/blocks.ts';
import { Buffer8 } from './engine/buffer.ts';
import { ByteLevel } from './engine/byte-level.ts';
import type { Encoder } from './engine/encoder.ts';
import { llama3Scan } from './engine/scan-llama3.ts';
import { o200kScan } from './engine/scan-o200k.ts';
import { SentencePiece } from './engine/sentence-piece.ts';
import { Vocabulary } from './engine/vocabulary.ts';
import { FAMILIES, type FamilySpec, type TokenizerFamily } from './families.ts';
import { withMetaspaces } from './offsets.ts';
import { type Stretch, stretches } from './specials.ts';
import { bundledVocabulary, type LoadVocabulary } from './vocab/index.ts';

export type { TokenizerFamily } from './families.ts';

export interface TextOptions {
  /**
   * Special tokens written in the text: `text` takes them for plain text, as the makers' references do with contents;
   * `parse` for the tokens, as servers do with a rendered prompt. Default `text`.
   */
  readonly markers?: 'text' | 'parse';
  /** The text goes on where another ended, so SentencePiece puts no space before it. Default false. */
  readonly continued?: boolean;
}

export interface CountOptions extends TextOptions {
  /** Tokens beyond which the number no longer matters: counting stops soon after. */
  readonly limit?: number;
}

export interface Encoding {
  readonly ids: number[];
  /** What each token stands for; a token that is part of a character only shows U+FFFD. */
  readonly pieces: string[];
  /** Where each token starts in the text's UTF-8, in bytes. */
  readonly offsets: number[];
}

export interface Tokenizer {
  readonly family: TokenizerFamily;
  /** `estimate`: the family's vocabulary is not shipped, and the nearest one counts, off by `errorBound` at most. */
  readonly exactness: 'exact' | 'estimate';
  /** Share of the count: 0.3 is 30 %. */
  readonly errorBound?: number;
  /** Ids of the special tokens, by how they are written. */
  readonly special: Readonly<Record<string, number>>;
  /**
   * Tokens of a text, without BOS or EOS and without making them. Lone surrogates count as U+FFFD, which is what is
   * sent. With a limit the count is exact up to it; above, it is only known to be above.
   */
  count(text: string, options?: CountOptions): number;
  encode(text: string, options?: TextOptions): number[];
  pieces(text: string, options?: TextOptions): Encoding;
  /** The text of these tokens; the inverse of `encode` with the same options. Ids that do not exist stand for nothing. */
  decode(ids: readonly number[], options?: Pick<TextOptions, 'continued'>): string;
}

const METASPACE = '\u2581';

const ready = new Map<TokenizerFamily, Promise<Tokenizer>>();
const encoders = new Map<string, Promise<Engine>>();

interface Engine {
  readonly buffer: Buffer8;
  readonly encoder: Encoder;
  readonly blocks: BlockCounts;
}

/**
 * The tokenizer of a family, its vocabulary loaded at the first call.
 *
 * @example
 * const llama3 = await tokenizerFor('llama3');
 * llama3.count('Our destiny is written in the stars.'); // 8
 */
export function tokenizerFor(family: TokenizerFamily, load: LoadVocabulary = bundledVocabulary): Promise<Tokenizer> {
  let tokenizer = ready.get(family);
  if (tokenizer === undefined) {
    const spec = FAMILIES[family];
    tokenizer = engineFor(spec, load).then((engine) => create(family, spec, engine));
    // A load that failed is tried again by the next call.
    tokenizer.catch(() => ready.delete(family));
    ready.set(family, tokenizer);
  }
  return tokenizer;
}

/** Families of one vocabulary share its tables. */
function engineFor(spec: FamilySpec, load: LoadVocabulary): Promise<Engine> {
  let engine = encoders.get(spec.vocabulary);
  if (engine === undefined) {
    engine = load(spec.vocabulary).then((file) => {
      const vocabulary = new Vocabulary(file);
      const buffer = new Buffer8();
      return { buffer, encoder: encoderOf(spec, vocabulary, buffer), blocks: new BlockCounts() };
    });
    engine.catch(() => encoders.delete(spec.vocabulary));
    encoders.set(spec.vocabulary, engine);
  }
  return engine;
}

function encoderOf(spec: FamilySpec, vocabulary: Vocabulary, buffer: Buffer8): Encoder {
  if (spec.scan === 'words') return new SentencePiece(vocabulary, buffer);
  return new ByteLevel(vocabulary, buffer, spec.scan === 'llama3' ? llama3Scan() : o200kScan());
}

function create(family: TokenizerFamily, spec: FamilySpec, { buffer, encoder, blocks }: Engine): Tokenizer {
  const { special } = spec;
  const words = spec.scan === 'words';
  const names = new Map(Object.entries(special).map(([name, id]) => [id, name]));

  /** SentencePiece writes a space as U+2581, so to it the two are one. */
  const normal = (text: string): string => {
    const formed = text.toWellFormed();
    return words && formed.includes(METASPACE) ? formed.replaceAll(METASPACE, ' ') : formed;
  };
  const cut = (text: string, options?: TextOptions): Stretch[] =>
    options?.markers === 'parse' ? stretches(text, special) : text === '' ? [] : [{ text }];
  const leadOf = (index: number, options?: TextOptions): string =>
    words && !(index === 0 && options?.continued === true) ? ' ' : '';

  const countPlain = (text: string, lead: string, limit: number): number => {
    let total = 0;
    for (let from = 0; from < text.length && total <= limit; ) {
      const to = blockEnd(text, from);
      buffer.load(from === 0 && to === text.length ? text : text.slice(from, to), from === 0 ? lead : '');
      let count = blocks.get(buffer);
      if (count === undefined) {
        count = encoder.count(limit - total);
        if (total + count <= limit) blocks.put(buffer, count);
      }
      total += count;
      from = to;
    }
    return total;
  };

  const encodeAll = (text: string, options: TextOptions | undefined, ids: number[], starts: number[]): void => {
    let base = 0;
    for (const [index, stretch] of cut(text, options).entries()) {
      if (stretch.id !== undefined) {
        ids.push(stretch.id);
        starts.push(base);
        base += stretch.text.length;
        continue;
      }
      const lead = leadOf(index, options);
      buffer.load(stretch.text, lead);
      const ends: number[] = [];
      encoder.encode(ids, ends);
      let start = 0;
      for (const end of ends) {
        starts.push(base + Math.max(0, start - lead.length));
        start = end;
      }
      base += buffer.length - lead.length;
    }
  };

  const bytesOf = (id: number): Uint8Array => {
    const name = names.get(id);
    return name === undefined ? encoder.bytesOf(id) : new TextEncoder().encode(name);
  };

  return {
    family,
    exactness: spec.errorBound === undefined ? 'exact' : 'estimate',
    ...(spec.errorBound === undefined ? {} : { errorBound: spec.errorBound }),
    special,
    count(text, options) {
      const limit = options?.limit ?? Number.POSITIVE_INFINITY;
      let total = 0;
      for (const [index, stretch] of cut(normal(text), options).entries()) {
        if (total > limit) break;
        total += stretch.id === undefined ? countPlain(stretch.text, leadOf(index, options), limit - total) : 1;
      }
      return total;
    },
    encode(text, options) {
      const ids: number[] = [];
      encodeAll(normal(text), options, ids, []);
      return ids;
    },
    pieces(text, options) {
      const ids: number[] = [];
      const offsets: number[] = [];
      encodeAll(normal(text), options, ids, offsets);
      const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
      return {
        ids,
        pieces: ids.map((id) => decoder.decode(bytesOf(id))),
        offsets: words && text.includes(METASPACE) ? withMetaspaces(text.toWellFormed(), offsets) : offsets,
      };
    },
    decode(ids, options) {
      const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
      let text = '';
      let lead = words && options?.continued !== true;
      for (const id of ids) {
        const isSpecial = names.has(id);
        let bytes = bytesOf(id);
        if (lead && !isSpecial && bytes[0] === 0x20) bytes = bytes.subarray(1);
        lead = words && isSpecial;
        text += decoder.decode(bytes, { stream: true });
      }
      return text + decoder.decode();
    },
  };
}
