import { classesWithMarksAsLetters } from './classes.ts';
import type { Scan } from './scan.ts';
import { deepseekScan } from './scan-deepseek.ts';
import { llama3Scan } from './scan-llama3.ts';
import { o200kScan } from './scan-o200k.ts';

/** How a byte-level family cuts a text into pieces. Each use has one of its own. */
export const SCANS = {
  llama3: () => llama3Scan(),
  qwen: () => llama3Scan(1),
  'qwen3.5': () => llama3Scan(1, classesWithMarksAsLetters()),
  o200k: () => o200kScan(),
  tekken: () => o200kScan({ digits: 1, contractions: false }),
  deepseek: deepseekScan,
} as const satisfies Record<string, () => Scan>;

/** `words`: SentencePiece, which has no such cuts. */
export type ScanName = keyof typeof SCANS | 'words';
