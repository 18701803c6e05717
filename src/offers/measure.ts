import { wireOf } from '../catalog/index.ts';
import { bosAdded, type Counted, type PromptCounter } from '../tokens/index.ts';
import { asBilled } from './bills.ts';
import { mostTokens } from './bound.ts';
import type { Facts } from './facts.ts';
import type { Correction } from './health.ts';
import { hasImages } from './renderings.ts';
import type { PromptSize } from './types.ts';
import type { Way } from './way.ts';

/** What a server adds in front of each raw prompt, and the model reads. */
function added(way: Way, { provider, family, upstream }: Facts): (at: number) => number {
  if (way.form === 'messages') return () => 0;
  const wire = wireOf(provider, way.api, family, upstream);
  return (at) => {
    const prompt = way.prompts[at] ?? '';
    // Token ids are taken as they are.
    return wire && typeof prompt === 'string' ? bosAdded(wire, family, prompt) : 0;
  };
}

function countsOf(way: Way, facts: Facts, counter: PromptCounter): readonly Counted[] {
  const { family } = facts;
  if (way.form === 'messages') {
    const images = hasImages(way.messages);
    if (way.segments && !images) return [counter.segments(family, way.segments)];
    if (way.parsed !== undefined && !images) return [counter.text(family, way.parsed)];
    return [counter.roughly(family, way.messages, way.tools)];
  }
  if (way.segments) return way.segments.map((one) => counter.segments(family, one));
  return way.prompts.map((prompt) =>
    typeof prompt === 'string' ? counter.text(family, prompt) : { tokens: prompt.length, exactness: 'exact' },
  );
}

/** What an offer's bills have shown of prompts like this call's. Asked for where a prompt is estimated: most are counted. */
export interface Shown {
  /** Tokens of the smallest prompt. */
  readonly smallest?: () => number | undefined;
  readonly correction?: () => Correction | undefined;
}

/** What the call's prompts come to at an offer: each as the model there reads it, once. */
export function measure(way: Way, facts: Facts, counter: PromptCounter, shown: Shown = {}): PromptSize {
  const addedTo = added(way, facts);
  let largest = 0;
  let total = 0;
  let errorBound = 0;
  let exact = true;
  let more = false;
  for (const [at, one] of countsOf(way, facts, counter).entries()) {
    const tokens = one.tokens + addedTo(at);
    largest = Math.max(largest, tokens);
    total += tokens;
    errorBound = Math.max(errorBound, one.errorBound ?? 0);
    exact &&= one.exactness === 'exact';
    more ||= one.more === true;
  }
  // Beyond its limit a count is none.
  const most = exact && !more ? undefined : mostTokens(way, facts.contextLength, shown.smallest?.());
  const whole = !exact && !more && !(way.form === 'messages' && hasImages(way.messages));
  const size: PromptSize = {
    largest,
    total,
    exactness: exact ? 'exact' : 'estimate',
    ...(exact ? {} : { errorBound }),
    ...(whole ? { counted: total } : {}),
    ...(most === undefined ? {} : { atMost: Math.max(total, most) }),
    ...(more ? { more: true } : {}),
  };
  return whole ? asBilled(size, shown.correction?.(), way.form === 'messages' ? 1 : way.prompts.length) : size;
}

/** The most that all prompts can be billed as; undefined where nobody can say. */
export const mostBilled = ({ total, exactness, more, atMost, beside = 0 }: PromptSize): number | undefined => {
  const most = exactness === 'exact' && !more ? total : atMost;
  return most === undefined ? undefined : most + beside;
};

/** The most that the largest prompt is likely to be: what an estimate is worth when it comes to what is left beside it. */
export const longest = ({ largest, errorBound = 0 }: PromptSize): number => Math.ceil(largest * (1 + errorBound));

/** The fewest tokens that the largest prompt can be: what an estimate is worth when it comes to refusing. */
export const fewest = ({ largest, errorBound = 0 }: PromptSize): number => Math.floor(largest * (1 - errorBound));
