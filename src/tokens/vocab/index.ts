/** The vocabularies that are shipped, written by test/tokens/build-vocab.ts. */
export type VocabularyName = 'llama2' | 'llama3' | 'mistral' | 'o200k';

/** How a vocabulary's bytes are come by. Node has no data modules, so what runs there passes its own. */
export type LoadVocabulary = (name: VocabularyName) => Promise<ArrayBuffer>;

const MODULES: Readonly<Record<VocabularyName, () => Promise<{ readonly default: ArrayBuffer }>>> = {
  llama2: () => import('./llama2.bin'),
  llama3: () => import('./llama3.bin'),
  mistral: () => import('./mistral.bin'),
  o200k: () => import('./o200k.bin'),
};

/** From the Worker's own data modules, read when first asked for. */
export const bundledVocabulary: LoadVocabulary = async (name) => (await MODULES[name]()).default;
