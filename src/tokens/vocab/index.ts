/**
 * The vocabularies. The one that stands in for others is part of the Worker. The others are static assets, which add
 * nothing to the script's size, nor to the time that a new process takes to start (some 4 ms for each MB).
 */
const MODULES = {
  llama3: () => import('./llama3.bin'),
} as const satisfies Record<string, () => Promise<{ readonly default: ArrayBuffer }>>;

type BundledName = keyof typeof MODULES;

/** Files of `src/assets/vocab/`. */
type AssetName = 'llama2' | 'mistral' | 'o200k' | 'llama4' | 'tekken' | 'qwen' | 'qwen3.5' | 'deepseek';

export type VocabularyName = BundledName | AssetName;

/**
 * Reads a vocabulary's bytes, or rejects. Node has no data modules, so tests and scripts there pass their own loader.
 */
export type LoadVocabulary = (name: VocabularyName) => Promise<ArrayBuffer>;

/** A binding to static assets, or anything with the same `fetch`. */
export interface Assets {
  fetch(url: string, init?: { readonly headers: Readonly<Record<string, string>> }): Promise<Response>;
}

const isBundled = (name: VocabularyName): name is BundledName => Object.hasOwn(MODULES, name);

/**
 * Loads vocabularies on demand, from the Worker's data modules or from its static assets.
 *
 * @example
 * const qwen = await tokenizerFor('qwen', vocabularies(env.ASSETS));
 */
export const vocabularies =
  (assets?: Assets): LoadVocabulary =>
  async (name) => {
    if (isBundled(name)) return (await MODULES[name]()).default;
    if (assets === undefined) throw new Error(`There are no static assets to read ${name}.bin from.`);
    const answer = await assets.fetch(`https://assets.invalid/vocab/${name}.bin`);
    if (answer.ok) return answer.arrayBuffer();
    await answer.body?.cancel();
    throw new Error(`${name}.bin: the assets answered ${answer.status}.`);
  };

/** Loads only the vocabularies inside the Worker. */
export const bundledVocabulary: LoadVocabulary = vocabularies();
