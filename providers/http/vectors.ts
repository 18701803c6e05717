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

const KEY = '"embedding"';
const WHOLE_LIST = new RegExp(String.raw`^\s*${NUMBER}(?:\s*,\s*${NUMBER})*\s*$`);
/**
 * Everything in ASCII from `@` on that no number has: letters but `e` and `E`, and brackets. The runtime looks for such
 * a class at sixteen characters at a time, but not for one with characters beyond ASCII, or with most digits.
 */
const NO_NUMBER = /[@-DF-df-\x7f]/g;

/** The place of a list's closing bracket, or -1 where a letter comes first that no number has (NaN, null, true). */
function endOfList(text: string, from: number): number {
  NO_NUMBER.lastIndex = from;
  const end = NO_NUMBER.test(text) ? NO_NUMBER.lastIndex - 1 : -1;
  return text[end] === ']' ? end : -1;
}

/** A vector that was cut out of an answer, as it was written: numbers without brackets, or base64 without quotes. */
export type CutEmbedding = { readonly numbers: string } | { readonly base64: string };

/**
 * Cuts the value of each `"embedding"` out of an answer's JSON, unread: a list of numbers, or base64. Of the first
 * list all is checked; of the others that they have no letters but those of an exponent. What is cut shares the text's
 * memory.
 */
export function cutEmbeddings(text: string): { readonly json: string; readonly vectors: readonly CutEmbedding[] } {
  const vectors: CutEmbedding[] = [];
  let json = '';
  let done = 0;
  for (let key = text.indexOf(KEY); key >= 0; key = text.indexOf(KEY, done)) {
    let at = key + KEY.length;
    while (text[at] === ' ' || text[at] === ':') at++;
    const isList = text[at] === '[';
    const end = isList ? endOfList(text, at + 1) : text[at] === '"' ? text.indexOf('"', at + 1) : -1;
    const value = text.slice(at + 1, Math.max(end, at + 1));
    const vector = end < 0 ? undefined : isList ? listIn(value, vectors.length === 0) : base64In(value);
    if (!vector) {
      json += text.slice(done, at);
      done = at;
      continue;
    }
    json += `${text.slice(done, at)}${vectors.push(vector) - 1}`;
    done = end + 1;
  }
  return { json: json + text.slice(done), vectors };
}

function listIn(value: string, whole: boolean): CutEmbedding | undefined {
  if (value.length === 0 || (whole && !WHOLE_LIST.test(value))) return undefined;
  return { numbers: value };
}

const base64In = (value: string): CutEmbedding | undefined =>
  value.length === 0 || value.length % 4 !== 0 || value.includes('\\') ? undefined : { base64: value };
