import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A path below `src/`. */
export const pathInSource = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url).href);

/** Writes tokens in the order of their ids, in the layout that src/tokens/engine/vocabulary.ts reads, and what follows. */
export function writeVocabulary(
  path: string,
  tokens: readonly Uint8Array[],
  tail: Uint8Array = new Uint8Array(),
): void {
  const bytes = tokens.reduce((sum, token) => sum + token.length, 0);
  const file = new Uint8Array(8 + tokens.length + bytes + tail.length);
  const header = new DataView(file.buffer);
  header.setUint32(0, tokens.length, true);
  header.setUint32(4, bytes, true);
  let at = 8 + tokens.length;
  for (const [rank, token] of tokens.entries()) {
    if (token.length > 255) throw new Error(`${path}: token ${rank} is longer than 255 bytes`);
    file[8 + rank] = token.length;
    file.set(token, at);
    at += token.length;
  }
  file.set(tail, at);
  writeFileSync(pathInSource(`${path}.bin`), file);
  console.log(`${path}: ${tokens.length} tokens, ${file.length} bytes`);
}
