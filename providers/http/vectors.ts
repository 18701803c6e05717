const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?`;
const VECTOR = new RegExp(String.raw`\[\s*(${NUMBER}(?:\s*,\s*${NUMBER})*)\s*\]`, 'g');

/** An answer's JSON without its vectors, and these in their order. */
export interface CutVectors {
  /** The same JSON, in which each list of numbers is its place in `vectors`. */
  readonly json: string;
  /** The numbers as they were written, without brackets. */
  readonly vectors: readonly string[];
}

/**
 * Cuts the lists of numbers out of an answer's JSON, to pass them on as they are: to parse a million numbers and write
 * them again would cost more than the rest of a call. What is no list of JSON numbers stays where it is.
 */
export function cutVectors(text: string): CutVectors {
  const vectors: string[] = [];
  const json = text.replace(VECTOR, (_, numbers: string) => String(vectors.push(numbers) - 1));
  return { json, vectors };
}
