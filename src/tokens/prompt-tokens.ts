import type { Segment } from './segments.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Tokens of a rendered prompt, exactly: contents as plain text, the template's special tokens as one each. With a limit
 * the count is exact up to it; above, it is only known to be above.
 */
export function countPrompt(
  tokenizer: Pick<Tokenizer, 'count'>,
  segments: readonly Segment[],
  limit = Number.POSITIVE_INFINITY,
): number {
  let total = 0;
  for (const segment of segments) {
    if (total > limit) break;
    total +=
      'special' in segment
        ? 1
        : tokenizer.count(segment.text, { continued: segment.continued === true, limit: limit - total });
  }
  return total;
}

/** The ids of a rendered prompt; undefined where the tokenizer does not know one of its special tokens. */
export function encodePrompt(
  tokenizer: Pick<Tokenizer, 'encode' | 'special'>,
  segments: readonly Segment[],
): number[] | undefined {
  const ids: number[] = [];
  for (const segment of segments) {
    if ('special' in segment) {
      const id = Object.hasOwn(tokenizer.special, segment.special) ? tokenizer.special[segment.special] : undefined;
      if (id === undefined) return undefined;
      ids.push(id);
    } else {
      for (const id of tokenizer.encode(segment.text, { continued: segment.continued === true })) ids.push(id);
    }
  }
  return ids;
}
