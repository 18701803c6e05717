import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { LoadVocabulary } from '../../src/tokens/vocab/index.ts';

/** Node's stand-in for the Worker's data modules. */
export const fromDisk: LoadVocabulary = async (name) => {
  const { href } = new URL(`../../src/tokens/vocab/${name}.bin`, import.meta.url);
  return new Uint8Array(await readFile(fileURLToPath(href))).buffer;
};
