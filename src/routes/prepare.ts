import { type Call, dayOf } from '../core/index.ts';
import { type Asked, type Moment, resolve } from '../offers/index.ts';
import { readyTokenizers } from '../tokens/index.ts';
import type { Gateway } from './gateway.ts';

/** What it takes to lay out a call's offers. */
export interface Prepared {
  readonly asked: Asked;
  readonly moment: Moment;
}

/** Looks up what a call asks for, and loads the tokenizers that it takes, which only the first call of an isolate does. */
export async function prepare(call: Call, { world, relay, load }: Gateway): Promise<Prepared> {
  const now = relay.clock.now();
  const today = dayOf(now);
  const asked = resolve(call, world, today);
  return { asked, moment: { now, today, tokenizers: await readyTokenizers(asked.families, load) } };
}
