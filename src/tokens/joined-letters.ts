/** An upper bound of token counts that is closer than the bytes: English letters that always merge. */

/**
 * Pairs of lowercase letters that are no token in one of the vocabularies of Llama 3, Llama 4 and gpt-oss. All other
 * pairs, and a space with a lowercase letter, are tokens in each of them. The test checks every pair.
 */
const APART =
  'bq fj fz gj gk gq hj jg jv jw jx jy jz kq kx kz lq mz nq qf qg qj qk qo qv qy qz rj tj tq uq vq vz wq wv wz xg xh xj xk xq xu xv xw yf yj yq yv zg zj zq zr zv';
const LETTERS = 26;
const A = 0x61;
const Z = 0x7a;
const BLANK = 0x20;
const APOSTROPHE = 0x27;
/** Fewer tokens than any text has. */
const IMPOSSIBLE = -1e9;

/** Whether two letters stay apart, by first letter times 26 plus second letter. Made at the first use. */
let apart: Uint8Array | undefined;

function apartTable(): Uint8Array {
  if (apart !== undefined) return apart;
  apart = new Uint8Array(LETTERS * LETTERS);
  for (const pair of APART.split(' ')) apart[(pair.charCodeAt(0) - A) * LETTERS + pair.charCodeAt(1) - A] = 1;
  return apart;
}

/**
 * A closer bound than the bytes, for byte-level vocabularies that hold nearly all pairs of lowercase letters. It takes
 * longer, and is about two thirds of the bytes for English.
 *
 * BPE merges until no two neighbouring tokens make a token. So in a run of lowercase letters, two single letters are
 * neighbours only if they are in `APART`. The bound of a run, perhaps after a space, is the most tokens of one letter
 * or more under this rule. A token that reaches over the end of a run is charged to what is beside it. All other
 * characters are charged their bytes. The pretokenizer does not cut within a run, but after a contraction such as
 * `'re`, so the two characters after an apostrophe are charged as bytes.
 */
export function joinedLettersAtMost(text: string): number {
  const staysApart = apartTable();
  let tokens = 0;
  let bytesUntil = 0;
  /** The last character of the run, or 0 outside of runs. */
  let last = 0;
  // The most tokens of the run: with a single letter as the last token, with a longer one, and without the last letter.
  let single = 0;
  let longer = 0;
  let before = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const isLetter = unit >= A && unit <= Z && at >= bytesUntil;
    if (isLetter && last !== 0) {
      const most = Math.max(single, longer);
      const mayBeSingle = last !== BLANK && staysApart[(last - A) * LETTERS + unit - A] === 1;
      single = 1 + (mayBeSingle ? most : longer);
      longer = 1 + before;
      before = most;
      last = unit;
      continue;
    }
    if (last !== 0) tokens += Math.max(single, longer);
    if (isLetter || unit === BLANK) {
      single = 1;
      longer = IMPOSSIBLE;
      before = 0;
      last = unit;
      continue;
    }
    last = 0;
    if (unit === APOSTROPHE) bytesUntil = at + 3;
    // A surrogate is half of four bytes, or a lone one of three.
    tokens += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
  }
  return last === 0 ? tokens : tokens + Math.max(single, longer);
}
