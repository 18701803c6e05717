/** The vocabularies: some inside the Worker, the others beside it as static assets, which cost a script nothing. */
const MODULES = {
  llama2: () => import('./llama2.bin'),
  llama3: () => import('./llama3.bin'),
  mistral: () => import('./mistral.bin'),
  o200k: () => import('./o200k.bin'),
} as const satisfies Record<string, () => Promise<{ readonly default: ArrayBuffer }>>;

type BundledName = keyof typeof MODULES;

/** Files of `assets/`. */
type AssetName = 'llama4' | 'tekken' | 'qwen' | 'qwen3.5' | 'deepseek';

export type VocabularyName = BundledName | AssetName;

/** How a vocabulary's bytes are come by; rejects where they are not. Node has no data modules, so it passes its own. */
export type LoadVocabulary = (name: VocabularyName) => Promise<ArrayBuffer>;

/** A binding to static assets, or anything that answers alike. */
export interface Assets {
  fetch(url: string): Promise<Response>;
}

const isBundled = (name: VocabularyName): name is BundledName => Object.hasOwn(MODULES, name);

/**
 * Reads vocabularies, each when first asked for: from the Worker's own data modules, the others from its static assets.
 *
 * @example
 * const qwen = await tokenizerFor('qwen', vocabularies(env.ASSETS));
 */
export const vocabularies =
  (assets?: Assets): LoadVocabulary =>
  async (name) => {
    if (isBundled(name)) return (await MODULES[name]()).default;
    if (assets === undefined) throw new Error(`There are no assets to read ${name}.bin from.`);
    const answer = await assets.fetch(`https://assets.invalid/${name}.bin`);
    if (answer.ok) return answer.arrayBuffer();
    await answer.body?.cancel();
    throw new Error(`${name}.bin: the assets answered ${answer.status}.`);
  };

/** Those inside the Worker alone. */
export const bundledVocabulary: LoadVocabulary = vocabularies();
