import { type Engine, engineFor } from './engines.ts';
import { FAMILIES, type FamilySpec, type StandIn, type TokenizerFamily } from './families.ts';
import { noSpecials } from './special-tokens.ts';
import { textTokenizer } from './text-tokenizer.ts';
import type { Tokenizer } from './types.ts';
import { bundledVocabulary, type LoadVocabulary } from './vocab/index.ts';

export type { TokenizerFamily } from './families.ts';
export type { CountOptions, Encoding, TextOptions, Tokenizer } from './types.ts';

const ready = new Map<TokenizerFamily, Tokenizer>();

/**
 * The tokenizer of a family, its vocabulary loaded at the first call. Where a vocabulary that is shipped beside the Worker
 * cannot be read, another counts for it, and the next call tries again.
 *
 * @example
 * const llama3 = await tokenizerFor('llama3');
 * llama3.count('Our destiny is written in the stars.'); // 8
 */
export async function tokenizerFor(
  family: TokenizerFamily,
  load: LoadVocabulary = bundledVocabulary,
): Promise<Tokenizer> {
  const known = ready.get(family);
  if (known !== undefined) return known;
  const spec = FAMILIES[family];
  let engine: Engine;
  try {
    engine = await engineFor(spec, load);
  } catch (error) {
    if (spec.standIn === undefined) throw error;
    return estimate(family, spec.standIn, load);
  }
  const tokenizer = textTokenizer(family, spec, engine);
  ready.set(family, tokenizer);
  return tokenizer;
}

async function estimate(family: TokenizerFamily, standIn: StandIn, load: LoadVocabulary): Promise<Tokenizer> {
  const { errorBound } = standIn;
  const spec: FamilySpec = { ...FAMILIES[standIn.family], special: noSpecials, errorBound };
  return textTokenizer(family, spec, await engineFor(spec, load));
}
