import { type Call, type Prompt, textOf } from '../core/index.ts';

/** Milliseconds for which equal calls go the same way. */
const WINDOW_MS = 60_000;
/** Characters of a call that are looked at: enough to tell calls apart, and bounded. */
const SAMPLE = 2048;

const textOfPrompt = (prompt: Prompt = ''): string =>
  typeof prompt === 'string' ? prompt : prompt.slice(-SAMPLE).join(' ');

const sampleOf = (call: Call): string => {
  const last = call.kind === 'chat' ? textOf(call.messages.at(-1)?.content ?? '') : textOfPrompt(call.prompts[0]);
  return last.length > SAMPLE ? last.slice(-SAMPLE) : last;
};

/** FNV-1a, and a mixing step so that the high bits depend on all of the text. */
export function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state ^= state >>> 16;
  state = Math.imul(state, 0x7feb352d);
  state ^= state >>> 15;
  return Math.imul(state, 0x846ca68b) >>> 0;
}

/**
 * A number in [0, 1) that spreads calls over providers, and is no chance: the same call in the same minute draws the same,
 * so that a sheet shows what the next call will do. A session draws once for all its calls.
 */
export function drawFor(call: Call, now: number): number {
  const { session, models } = call;
  const name = models.join(' ');
  const seed = session === undefined ? `${Math.floor(now / WINDOW_MS)}|${sampleOf(call)}` : `session ${session}`;
  return hash(`${name}|${seed}`) / 2 ** 32;
}
