import { BlockCounts } from './engine/blocks.ts';
import { Buffer8 } from './engine/buffer.ts';
import { ByteLevel } from './engine/byte-level.ts';
import type { Encoder } from './engine/encoder.ts';
import { SCANS } from './engine/scans.ts';
import { SentencePiece } from './engine/sentence-piece.ts';
import { Vocabulary } from './engine/vocabulary.ts';
import type { FamilySpec } from './families.ts';
import type { LoadVocabulary, VocabularyName } from './vocab/index.ts';

/** What families of one vocabulary share. */
export interface Engine {
  readonly buffer: Buffer8;
  readonly encoder: Encoder;
  readonly blocks: BlockCounts;
}

/**
 * Engines, not promises of them: a request that is given up takes its reading with it, and whoever waited for that would
 * wait for ever. Two that read at once both do, and one of the two is kept.
 */
const engines = new Map<VocabularyName, Engine>();

/** The engine of a family, made at the first call. Rejects where its vocabulary cannot be read. */
export async function engineFor({ vocabulary: name, scan }: FamilySpec, load: LoadVocabulary): Promise<Engine> {
  const known = engines.get(name);
  if (known !== undefined) return known;
  const file = await load(name);
  const meanwhile = engines.get(name);
  if (meanwhile !== undefined) return meanwhile;
  const vocabulary = new Vocabulary(file);
  const buffer = new Buffer8();
  const encoder =
    scan === 'words' ? new SentencePiece(vocabulary, buffer) : new ByteLevel(vocabulary, buffer, SCANS[scan]());
  const engine = { buffer, encoder, blocks: new BlockCounts() };
  engines.set(name, engine);
  return engine;
}
