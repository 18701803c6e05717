/** What Python's `str.strip` takes for space. JavaScript's `trim` takes U+FEFF as well, and leaves U+001C-1F and U+0085. */
const SPACE: ReadonlySet<number> = new Set([
  0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003,
  0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
]);

export function stripStart(text: string): string {
  let from = 0;
  while (from < text.length && SPACE.has(text.charCodeAt(from))) from++;
  return text.slice(from);
}

/** As the reference templates, which are Python, strip contents: another space is another token. */
export function strip(text: string): string {
  let to = text.length;
  while (to > 0 && SPACE.has(text.charCodeAt(to - 1))) to--;
  return stripStart(text.slice(0, to));
}
