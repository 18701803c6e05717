import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadVocabulary } from '../../src/tokens/vocab/index.ts';

const FOLDER = fileURLToPath(new URL('../../src', import.meta.url).href);

/** Node's stand-in for the Worker's data modules and its assets. */
export const fromDisk: LoadVocabulary = async (name) => {
  const bundled = await readFile(join(FOLDER, 'tokens/vocab', `${name}.bin`)).catch(() => undefined);
  return new Uint8Array(bundled ?? (await readFile(join(FOLDER, 'assets/vocab', `${name}.bin`)))).buffer;
};
