import type { Config } from '../config.ts';
import type { Call } from '../core/index.ts';
import { type Asked, resolve } from '../offers/index.ts';
import { readyTokenizers, type Tokenizers } from '../tokens/index.ts';

/** What it takes to lay out a call's offers. */
export interface Prepared {
  readonly asked: Asked;
  readonly tokenizers: Tokenizers;
  /** The day, as `2026-11-27`, by which everything about the call is judged. */
  readonly today: string;
}

/** Looks up what a call asks for, and loads the tokenizers that it takes, which only the first call of an isolate does. */
export async function prepare(call: Call, config: Config): Promise<Prepared> {
  const today = new Date().toISOString().slice(0, 10);
  const asked = resolve(call, config, today);
  return { asked, tokenizers: await readyTokenizers(asked.families), today };
}
