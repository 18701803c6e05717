/** What a tokenizer does, and how it is made from a vocabulary's engine and a family's rules. */
import { type BlockCounts, blockEnd } from './engine/count-caches.ts';
import { nfc } from './engine/unicode.ts';
import type { Utf8Buffer } from './engine/vocabulary.ts';
import type { FamilySpec, TokenizerFamily } from './families.ts';
import { type SpecialTokens, type Stretch, specialCutter } from './special-tokens.ts';

export interface TextOptions {
  /**
   * How to read special tokens written in the text. `text`: as plain text, as the makers' references read contents.
   * `parse`: as tokens, as servers read a rendered prompt. Default `text`.
   */
  readonly markers?: 'text' | 'parse';
  /** The text continues another one, so SentencePiece puts no space before it. Default false. */
  readonly continued?: boolean;
}

export interface CountOptions extends TextOptions {
  /** Counting stops soon after this number of tokens. */
  readonly limit?: number;
}

export interface Encoding {
  readonly ids: number[];
  /** The text of each token. A token that is part of a character shows U+FFFD. */
  readonly pieces: string[];
  /** Byte at which each token starts in the text's UTF-8. For families that read NFC, in the UTF-8 of its NFC form. */
  readonly offsets: number[];
}

export interface Tokenizer {
  readonly family: TokenizerFamily;
  /** `estimate`: the family's own vocabulary is missing. The nearest one counts, off by at most `errorBound`. */
  readonly exactness: 'exact' | 'estimate';
  /** As a share of the count: 0.3 is 30 %. */
  readonly errorBound?: number;
  /** Ids of the special tokens by name. Empty for an estimate, whose ids are not the model's. */
  readonly special: SpecialTokens;
  /**
   * Number of tokens of a text, without BOS and EOS, computed without creating the ids. Lone surrogates count as
   * U+FFFD, which is what is sent. With a limit, a result up to the limit is exact, and one above it only says
   * "more".
   */
  count(text: string, options?: CountOptions): number;
  encode(text: string, options?: TextOptions): number[];
  pieces(text: string, options?: TextOptions): Encoding;
  /**
   * The text of these tokens: the inverse of `encode` with the same options, except for what a family does not tell
   * apart (U+2581 and a space in SentencePiece, a text and its NFC form in Qwen). Unknown ids are skipped.
   */
  decode(ids: readonly number[], options?: Pick<TextOptions, 'continued'>): string;
  /** Whether this id exists. */
  has(id: number): boolean;
  /** Loads its vocabulary, before which nothing else works. Undefined where it is loaded. */
  readonly load?: (() => Promise<void>) | undefined;
}

/** Byte-level BPE or SentencePiece. Both read the text in the engine's buffer. */
export interface Encoder {
  /** Number of tokens of the loaded text. It may stop, at the end of a piece, once there are more than `limit`. */
  count(limit: number): number;
  /** Appends the token ids of the loaded text, and the byte where each token ends in the buffer. */
  encode(ids: number[], ends: number[]): void;
  /** The bytes of a token. Empty for an unknown id. */
  bytesOf(id: number): Uint8Array;
}

/** Shared by all families of one vocabulary. */
export interface TokenEngine {
  readonly buffer: Utf8Buffer;
  readonly encoder: Encoder;
  readonly blocks: BlockCounts;
}

/**
 * SentencePiece reads U+2581 as a space. Converts byte offsets into the text with spaces to offsets into the text with
 * U+2581, which takes three bytes. `offsets` must ascend.
 */
function metaspaceOffsets(text: string, offsets: readonly number[]): number[] {
  const bytes = new TextEncoder().encode(text);
  const found: number[] = [];
  let at = 0;
  let shortened = 0;
  for (const offset of offsets) {
    while (at - shortened < offset && at < bytes.length) {
      const meta = bytes[at] === 0xe2 && bytes[at + 1] === 0x96 && bytes[at + 2] === 0x81;
      at += meta ? 3 : 1;
      if (meta) shortened += 2;
    }
    found.push(at);
  }
  return found;
}

const METASPACE = '\u2581';
const utf8 = new TextEncoder();

/** Prepares texts for the engine: normalization, special tokens, SentencePiece's dummy space, id offsets. */
export function textTokenizer(
  family: TokenizerFamily,
  spec: FamilySpec,
  { buffer, encoder, blocks }: TokenEngine,
): Tokenizer {
  const { idOffset = 0, normalization, errorBound } = spec;
  const special = spec.special();
  const sentencePiece = spec.pretokenizer === 'none';
  const names = new Map(Object.entries(special).map(([name, id]) => [id, name]));
  const cutAtSpecials = specialCutter(special);

  /** Well-formed Unicode. SentencePiece writes a space as U+2581, so it cannot tell the two apart. */
  const normal = (text: string): string => {
    const formed = text.toWellFormed();
    return sentencePiece && formed.includes(METASPACE) ? formed.replaceAll(METASPACE, ' ') : formed;
  };
  const cut = (text: string, options?: TextOptions): Stretch[] => {
    const found = options?.markers === 'parse' ? cutAtSpecials(text) : text === '' ? [] : [{ text }];
    // After cutting: normalized as a whole, a combining mark behind a special token could change its last character.
    return normalization === 'NFC' ? found.map((one) => (one.id === undefined ? { text: nfc(one.text) } : one)) : found;
  };
  const leadOf = (index: number, options?: TextOptions): string =>
    sentencePiece && !(index === 0 && options?.continued === true) ? ' ' : '';

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
        base += utf8.encode(stretch.text).length;
        continue;
      }
      const lead = leadOf(index, options);
      buffer.load(stretch.text, lead);
      const ends: number[] = [];
      const before = ids.length;
      encoder.encode(ids, ends);
      if (idOffset > 0) for (let n = before; n < ids.length; n++) ids[n] = (ids[n] as number) + idOffset;
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
    return name === undefined ? encoder.bytesOf(id - idOffset) : utf8.encode(name);
  };

  return {
    family,
    exactness: errorBound === undefined ? 'exact' : 'estimate',
    ...(errorBound === undefined ? {} : { errorBound }),
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
        offsets: sentencePiece && text.includes(METASPACE) ? metaspaceOffsets(text.toWellFormed(), offsets) : offsets,
      };
    },
    decode(ids, options) {
      const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
      let text = '';
      let lead = sentencePiece && options?.continued !== true;
      for (const id of ids) {
        const isSpecial = names.has(id);
        let bytes = bytesOf(id);
        if (lead && !isSpecial && bytes[0] === 0x20) bytes = bytes.subarray(1);
        lead = sentencePiece && isSpecial;
        text += decoder.decode(bytes, { stream: true });
      }
      return text + decoder.decode();
    },
    has: (id) => bytesOf(id).length > 0,
  };
}
