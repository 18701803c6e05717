import { hash } from '../random.ts';
import type { Ask } from './types.ts';

/** What the providers sample with when nothing is asked for; all are above the line. */
const DEFAULT_TEMPERATURE = 0.7;
const VARIES_FROM = 0.5;
const MAX_QUESTIONS = 1000;

/** How often each question was asked without a seed. */
const asked = new Map<string, number>();

/**
 * Which of several answers this sample is: always the first when cold, the seed's own with a seed, and otherwise the next
 * in turn, so that successive samples differ in an order that repeats.
 */
export function sampleOf(ask: Ask, question: string): number {
  if ((ask.temperature ?? DEFAULT_TEMPERATURE) < VARIES_FROM) return 0;
  if (ask.seed !== undefined) return hash(`${ask.seed}:${ask.choice}`);
  const turn = asked.get(question) ?? 0;
  if (turn === 0 && asked.size >= MAX_QUESTIONS) asked.clear();
  asked.set(question, turn + 1);
  return turn;
}
