/**
 * Byte offsets into a text whose every U+2581 was written as a space, turned into offsets into the text itself, where
 * that character takes three bytes. Offsets ascend.
 */
export function withMetaspaces(text: string, offsets: readonly number[]): number[] {
  const bytes = new TextEncoder().encode(text);
  const found: number[] = [];
  let at = 0;
  let shortened = 0;
  for (const offset of offsets) {
    while (at - shortened < offset && at < bytes.length) {
      const meta = bytes[at] === 0xe2 && bytes[at + 1] === 0x96 && bytes[at + 2] === 0x81;
      at += meta ? 3 : 1;
      if (meta) shortened += 2;
    }
    found.push(at);
  }
  return found;
}
