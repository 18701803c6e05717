/** Texts remembered, characters of each, and of all of them together. */
const TEXTS = 2048;
const SHORTEST = 48;
const LONGEST = 16_384;
const CHARACTERS = 1_000_000;

/**
 * Counts of texts seen lately. A conversation says all of it again with every turn, and a few-shot prompt with every
 * call; what has been counted is then looked up. Exact, as the text itself is the key; bounded; forgets the oldest first.
 */
export class TextCounts {
  readonly #counts = new Map<string, number>();
  #characters = 0;

  get(text: string): number | undefined {
    return text.length < SHORTEST || text.length > LONGEST ? undefined : this.#counts.get(text);
  }

  /** Whether it was kept. */
  put(text: string, count: number): boolean {
    if (text.length < SHORTEST || text.length > LONGEST) return false;
    if (!this.#counts.has(text)) this.#characters += text.length;
    this.#counts.set(text, count);
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= TEXTS && this.#characters <= CHARACTERS) break;
      this.#counts.delete(oldest);
      this.#characters -= oldest.length;
    }
    return true;
  }
}
