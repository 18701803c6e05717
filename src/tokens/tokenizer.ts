/** Loads tokenizers: each vocabulary is read at its first use and kept as long as the isolate lives. */
import { ByteLevel } from './engine/byte-level.ts';
import { BlockCounts } from './engine/count-caches.ts';
import { PRETOKENIZERS } from './engine/pretokenize.ts';
import { SentencePiece } from './engine/sentence-piece.ts';
import { Utf8Buffer, Vocabulary } from './engine/vocabulary.ts';
import { FAMILIES, type FamilySpec, type StandIn, type TokenizerFamily, tokenizerFamily } from './families.ts';
import { noSpecials } from './special-tokens.ts';
import { type TokenEngine, type Tokenizer, textTokenizer } from './text-tokenizer.ts';
import { bundledVocabulary, type LoadVocabulary, type VocabularyName } from './vocab/index.ts';

export type { TokenizerFamily } from './families.ts';
export type { CountOptions, Encoding, TextOptions, Tokenizer } from './text-tokenizer.ts';

/**
 * Holds engines, not promises of engines: when a request is aborted, its pending read never ends, and another request
 * that waited for the same promise would hang. Two requests that load at once both read; one of the two engines is
 * kept.
 */
const engines = new Map<VocabularyName, TokenEngine>();

/** The engine for a family's vocabulary. Rejects if the vocabulary cannot be read. */
async function engineFor({ vocabulary: name, pretokenizer }: FamilySpec, load: LoadVocabulary): Promise<TokenEngine> {
  const known = engines.get(name);
  if (known !== undefined) return known;
  const file = await load(name);
  const meanwhile = engines.get(name);
  if (meanwhile !== undefined) return meanwhile;
  const vocabulary = new Vocabulary(file);
  const buffer = new Utf8Buffer();
  const encoder =
    pretokenizer === 'none'
      ? new SentencePiece(vocabulary, buffer)
      : new ByteLevel(vocabulary, buffer, PRETOKENIZERS[pretokenizer]());
  const engine = { buffer, encoder, blocks: new BlockCounts() };
  engines.set(name, engine);
  return engine;
}

/** Tokenizers that are loaded. Not those with a stand-in's vocabulary: the next call tries to read their own again. */
const loaded = new Map<TokenizerFamily, Tokenizer>();

/**
 * The tokenizer of a family. Its vocabulary is loaded at the first call. If it is one of the static assets and cannot
 * be read, another vocabulary stands in, and the next call tries again.
 *
 * @example
 * const llama3 = await tokenizerFor('llama3');
 * llama3.count('Our destiny is written in the stars.'); // 8
 */
export async function tokenizerFor(
  family: TokenizerFamily,
  load: LoadVocabulary = bundledVocabulary,
): Promise<Tokenizer> {
  const known = loaded.get(family);
  if (known !== undefined) return known;
  const spec = FAMILIES[family];
  let engine: TokenEngine;
  try {
    engine = await engineFor(spec, load);
  } catch (error) {
    if (spec.standIn === undefined) throw error;
    return estimator(family, spec.standIn, load);
  }
  const tokenizer = textTokenizer(family, spec, engine);
  loaded.set(family, tokenizer);
  return tokenizer;
}

/** Counts with the stand-in's vocabulary, or with that of its own stand-in if neither can be read. */
async function estimator(family: TokenizerFamily, standIn: StandIn, load: LoadVocabulary): Promise<Tokenizer> {
  const { errorBound } = standIn;
  const own = FAMILIES[standIn.family];
  const spec: FamilySpec = { ...own, special: noSpecials, errorBound };
  try {
    return textTokenizer(family, spec, await engineFor(spec, load));
  } catch (error) {
    if (own.standIn === undefined) throw error;
    const further = errorBound + own.standIn.errorBound;
    return estimator(family, { ...own.standIn, errorBound: further }, load);
  }
}

/** Loaded tokenizers by model family, so that counting need not wait. */
export type Tokenizers = (modelFamily: string) => Tokenizer;

/** Loads the tokenizers of these model families. Nothing is awaited for those that are loaded already. */
export async function readyTokenizers(modelFamilies: Iterable<string>, load?: LoadVocabulary): Promise<Tokenizers> {
  const ready = new Map<TokenizerFamily, Tokenizer>();
  for (const modelFamily of modelFamilies) {
    const family = tokenizerFamily(modelFamily);
    if (ready.has(family)) continue;
    ready.set(family, loaded.get(family) ?? (await tokenizerFor(family, load)));
  }
  return (modelFamily) => {
    const tokenizer = ready.get(tokenizerFamily(modelFamily));
    if (tokenizer === undefined) throw new Error(`The tokenizer of ${modelFamily} was not asked for.`);
    return tokenizer;
  };
}

/** Something was counted with a tokenizer whose vocabulary is not loaded. */
export class NotLoaded extends Error {}

/** A tokenizer whose vocabulary is read when somebody calls `load`. Before that, all but its exactness throws. */
class PendingTokenizer implements Tokenizer {
  readonly family: TokenizerFamily;
  readonly #read: LoadVocabulary | undefined;
  #tokenizer: Tokenizer | undefined;

  constructor(family: TokenizerFamily, read: LoadVocabulary | undefined) {
    this.family = family;
    this.#read = read;
  }

  get load(): (() => Promise<void>) | undefined {
    if (this.#tokenizer) return undefined;
    return async () => {
      this.#tokenizer = await tokenizerFor(this.family, this.#read);
    };
  }

  get exactness(): Tokenizer['exactness'] {
    const isEstimate = FAMILIES[this.family].errorBound !== undefined;
    return this.#tokenizer?.exactness ?? (isEstimate ? 'estimate' : 'exact');
  }

  get special(): Tokenizer['special'] {
    return this.#loaded().special;
  }

  count: Tokenizer['count'] = (text, options) => this.#loaded().count(text, options);
  encode: Tokenizer['encode'] = (text, options) => this.#loaded().encode(text, options);
  pieces: Tokenizer['pieces'] = (text, options) => this.#loaded().pieces(text, options);
  decode: Tokenizer['decode'] = (ids, options) => this.#loaded().decode(ids, options);
  has: Tokenizer['has'] = (id) => this.#loaded().has(id);

  #loaded(): Tokenizer {
    if (!this.#tokenizer) throw new NotLoaded(`The vocabulary of ${this.family} is not loaded.`);
    return this.#tokenizer;
  }
}

/** Tokenizers for a call that may need none: those not loaded yet are loaded by their `load`. */
export function pendingTokenizers(read?: LoadVocabulary): Tokenizers {
  const pending = new Map<TokenizerFamily, Tokenizer>();
  return (modelFamily) => {
    const family = tokenizerFamily(modelFamily);
    const known = loaded.get(family) ?? pending.get(family);
    if (known !== undefined) return known;
    const tokenizer = new PendingTokenizer(family, read);
    pending.set(family, tokenizer);
    return tokenizer;
  };
}

/** Whether the tokenizers of these model families are loaded. */
export function areLoaded(modelFamilies: Iterable<string>): boolean {
  for (const modelFamily of modelFamilies) if (!loaded.has(tokenizerFamily(modelFamily))) return false;
  return true;
}
