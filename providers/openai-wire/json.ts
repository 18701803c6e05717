/** Text as JSON, in a box because JSON may be null; undefined if it is none. */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    // The parser's message quotes the text; that it failed is all there is to know.
    return undefined;
  }
}
