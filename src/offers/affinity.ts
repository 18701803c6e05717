import { type Call, type Prompt, type RetrievalCall, textOf } from '../core/index.ts';
import { offerName } from './assess.ts';
import { hash, mixed } from './drops.ts';
import type { Candidate } from './types.ts';

/**
 * Which of several offers a conversation keeps, so that the prefix which its calls share stays in that provider's
 * cache. Nothing is stored for it: each offer's score depends on the conversation and on the offer alone (weighted
 * rendezvous hashing), so that every isolate chooses the same, and a conversation moves only when its own offer goes or
 * a better one comes.
 */

/** Characters of a text that are looked at, of its beginning and its end together: enough to tell calls apart. */
const SAMPLE = 1024;
/** Characters of all texts after which no other is looked at. */
const ENOUGH = 8192;
/** Milliseconds for which the same raw prompt picks the same offer. */
const WINDOW_MS = 60_000;

const sampleOf = (text: string): string =>
  text.length > SAMPLE ? `${text.length} ${text.slice(0, SAMPLE / 2)} ${text.slice(-SAMPLE / 2)}` : text;

const textOfPrompt = (prompt: Prompt = ''): string =>
  typeof prompt === 'string' ? prompt : prompt.slice(-SAMPLE).join(' ');

function firstTextOf(call: Exclude<Call | RetrievalCall, { kind: 'chat' }>): string {
  if (call.kind === 'rerank') return call.query;
  return textOfPrompt(call.kind === 'embedding' ? call.inputs[0] : call.prompts[0]);
}

/** What every turn of a chat begins with: all up to the first message of the user. */
function openingOf(call: Call | RetrievalCall, now: number): string {
  // A raw prompt has no turns. Alike ones are many samples of one question more often than a conversation.
  if (call.kind !== 'chat') return `${Math.floor(now / WINDOW_MS)}|${sampleOf(firstTextOf(call))}`;
  let opening = '';
  for (const { role, content } of call.messages) {
    opening += `|${role} ${sampleOf(textOf(content))}`;
    if (role === 'user' || opening.length > ENOUGH) break;
  }
  return opening;
}

/** A number of 32 bits that stands for a call's conversation: the id that the caller gave it, or else its opening. */
export const affinityOf = (call: Call | RetrievalCall, now: number): number =>
  hash(`${call.models.join(' ')}|${call.session === undefined ? openingOf(call, now) : `session ${call.session}`}`);

/**
 * The offer that a conversation keeps, as an index. Over many conversations each offer is chosen with a probability
 * proportional to its weight: the least of exponential variables, whose rates are the weights. Where an offer is left
 * out, only its own conversations move.
 */
export function keptBy(
  affinity: number,
  offers: readonly Pick<Candidate, 'provider' | 'service' | 'upstream'>[],
  weights: readonly number[],
): number {
  let kept = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [index, offer] of offers.entries()) {
    // In (0, 1), without its ends.
    const uniform = (mixed(affinity ^ hash(offerName(offer))) + 0.5) / 2 ** 32;
    const score = -Math.log(uniform) / (weights[index] ?? 0);
    if (score < least) {
      least = score;
      kept = index;
    }
  }
  return kept;
}
