/** Strings, which stay as they are, and the numbers of Python and JavaScript that JSON has not. */
const NO_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

/** The logarithm of a probability of zero, as OpenAI writes it. */
const LEAST_LOGPROB = '-9999.0';

const withNumbers = (text: string): string =>
  text.replace(NO_NUMBERS, (found) => {
    if (found.startsWith('"')) return found;
    return found === '-Infinity' ? LEAST_LOGPROB : 'null';
  });

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    // The parser's message quotes the text; that it failed is all there is to know.
    return undefined;
  }
}

/**
 * Text as JSON, in a box because JSON may be null; undefined if it is none. Python's `json.dumps` writes log probabilities
 * of zero as `-Infinity` and unknown ones as `NaN`, which no answer should fail for.
 */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  return parse(text) ?? (/\b(?:NaN|Infinity)\b/.test(text) ? parse(withNumbers(text)) : undefined);
}
