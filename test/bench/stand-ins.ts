import { FAMILIES } from '../../src/tokens/families.ts';
import { type TokenizerFamily, tokenizerFor } from '../../src/tokens/tokenizer.ts';
import { fromDisk } from '../tokens/from-disk.ts';
import { type Corpus, corpora } from './corpora.ts';

export interface Difference {
  readonly family: TokenizerFamily;
  readonly standIn: TokenizerFamily;
  readonly errorBound: number;
  /** The most that the exact count of any prompt differs by, as a share of what the stand-in counts. */
  readonly worst: Readonly<Record<Corpus, number>>;
}

/** How far each stand-in is off, by prompts of 4,000 characters. */
export async function differences(): Promise<Difference[]> {
  const texts = corpora(400_000);
  const corpusNames = Object.keys(texts) as Corpus[];
  const found: Difference[] = [];
  for (const family of Object.keys(FAMILIES) as TokenizerFamily[]) {
    const { standIn } = FAMILIES[family];
    if (standIn === undefined) continue;
    const exact = await tokenizerFor(family, fromDisk);
    const estimate = await tokenizerFor(standIn.family, fromDisk);
    const off = (prompt: string): number => {
      const estimated = estimate.count(prompt);
      return Math.abs(exact.count(prompt) - estimated) / estimated;
    };
    const worst = corpusNames.map((name) => [name, Math.max(...texts[name].flat().map(off))]);
    found.push({ family, standIn: standIn.family, errorBound: standIn.errorBound, worst: Object.fromEntries(worst) });
  }
  return found;
}
