/**
 * The hash of bytes `from..to`: of their number, the first four, the last four, and four in the middle, however many there
 * are. That takes no pass over the text, and of all tokens of a vocabulary hardly two have one and the same. Whoever
 * finds by it compares the bytes.
 */
export function hashOf(bytes: Uint8Array, view: DataView, from: number, to: number): number {
  const length = to - from;
  let hash = bytes[from] as number;
  if (length > 3) hash = view.getInt32(from, true);
  else if (length > 1) {
    hash |= (bytes[from + 1] as number) << 8;
    if (length > 2) hash |= (bytes[from + 2] as number) << 16;
  }
  hash = Math.imul(hash ^ length, 0x9e3779b1);
  if (length > 4) hash = Math.imul((hash ^ (hash >>> 15)) + view.getInt32(to - 4, true), 0x85ebca6b);
  if (length > 8) hash = Math.imul((hash ^ (hash >>> 15)) + view.getInt32(from + (length >> 1) - 2, true), 0xc2b2ae35);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
}

/** Whether two ranges of one length hold the same bytes. */
export function sameBytes(one: Uint8Array, at: number, other: Uint8Array, from: number, length: number): boolean {
  for (let n = 0; n < length; n++) if (one[at + n] !== other[from + n]) return false;
  return true;
}
