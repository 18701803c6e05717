import { tokenizerFamily } from './families.ts';
import { type Tokenizer, type TokenizerFamily, tokenizerFor } from './tokenizer.ts';
import type { LoadVocabulary } from './vocab/index.ts';

/** The tokenizers of some families of models, loaded, so that what counts with them need not wait. */
export type Tokenizers = (modelFamily: string) => Tokenizer;

const loaded = new Map<TokenizerFamily, Tokenizer>();

/** Loads what these families of models need and is not there yet. Costs nothing once it is. */
export async function readyTokenizers(modelFamilies: Iterable<string>, load?: LoadVocabulary): Promise<Tokenizers> {
  const ready = new Map<TokenizerFamily, Tokenizer>();
  for (const modelFamily of modelFamilies) {
    const family = tokenizerFamily(modelFamily);
    if (ready.has(family)) continue;
    const tokenizer = loaded.get(family) ?? (await tokenizerFor(family, load));
    ready.set(family, tokenizer);
    // One that stands in for another is not kept: the vocabulary may be had next time.
    if (tokenizer.exactness === 'exact') loaded.set(family, tokenizer);
  }
  return (modelFamily) => {
    const tokenizer = ready.get(tokenizerFamily(modelFamily));
    if (tokenizer === undefined) throw new Error(`The tokenizer of ${modelFamily} was not asked for.`);
    return tokenizer;
  };
}
