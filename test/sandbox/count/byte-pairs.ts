import type { Library } from './types.ts';

/**
 * Byte pair encoding as it is told in textbooks, on a vocabulary file of the gateway's: its data are the makers', the code that
 * merges is not the gateway's. Hugging Face's library would take a second to build its tables. That both give the same ids is
 * tested in test/oracles/makers.test.ts.
 */

/** What `\s` is in Rust, where the patterns come from. */
const SPACE = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const regex = (pattern: string): RegExp =>
  new RegExp(
    pattern.replaceAll('[^\\s', `[^${SPACE}`).replaceAll('\\S', `[^${SPACE}]`).replaceAll('\\s', `[${SPACE}]`),
    'gu',
  );

/** A text cut at all matches of a pattern, which are pieces as what lies between them is. */
function cutAt(text: string, pattern: RegExp): string[] {
  const pieces: string[] = [];
  let from = 0;
  for (const { 0: match, index } of text.matchAll(pattern)) {
    if (index > from) pieces.push(text.slice(from, index));
    pieces.push(match);
    from = index + match.length;
  }
  if (from < text.length) pieces.push(text.slice(from));
  return pieces;
}

const bytesAsText = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** The tokens of a vocabulary file (test/tokens/vocab-file.ts), in the order of their ids. */
function tokensIn(file: ArrayBuffer): Uint8Array[] {
  const count = new DataView(file).getUint32(0, true);
  const lengths = new Uint8Array(file, 8, count);
  let at = 8 + count;
  return Array.from(lengths, (length) => {
    at += length;
    return new Uint8Array(file, at - length, length);
  });
}

/** Pairs of neighbours become one token, the lowest rank first and from the left. */
function merge(piece: string, ranks: ReadonlyMap<string, number>): number[] {
  const whole = ranks.get(piece);
  if (whole !== undefined) return [whole];
  const parts = Array.from(piece);
  while (parts.length > 1) {
    let best = -1;
    let lowest = Number.POSITIVE_INFINITY;
    for (let at = 0; at + 1 < parts.length; at++) {
      const rank = ranks.get(`${parts[at]}${parts[at + 1]}`);
      if (rank !== undefined && rank < lowest) {
        best = at;
        lowest = rank;
      }
    }
    if (best < 0) break;
    parts.splice(best, 2, `${parts[best]}${parts[best + 1]}`);
  }
  return parts.map((part) => ranks.get(part) ?? 0);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** @param first the id of the first token of the file */
export function bytePairs(file: ArrayBuffer, patterns: readonly string[], first = 0): Library {
  const tokens = tokensIn(file);
  const ranks = new Map(tokens.map((token, rank) => [bytesAsText(token), rank]));
  const cuts = patterns.map(regex);
  const known = new Map<string, readonly number[]>();
  const idsOf = (piece: string): readonly number[] => {
    const before = known.get(piece);
    if (before) return before;
    const ids = merge(bytesAsText(encoder.encode(piece)), ranks).map((rank) => rank + first);
    known.set(piece, ids);
    return ids;
  };
  return {
    encode: (text) => cuts.reduce((pieces, cut) => pieces.flatMap((one) => cutAt(one, cut)), [text]).flatMap(idsOf),
    decode: (ids) => decoder.decode(Uint8Array.from(ids.flatMap((id) => [...(tokens[id - first] ?? [])]))),
    leadingSpace: false,
    slowOn: /\S{2000}|\s{2000}/,
  };
}
