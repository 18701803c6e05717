/**
 * Regular expressions from callers, matched in time linear in the text whatever they say, by running all ways to match
 * side by side (Thompson's method, as in RE2: https://swtch.com/~rsc/regexp/regexp2.html). JavaScript's own would try
 * one way after the other, and `(a+)+$` could take longer than the universe is old.
 */
import { compilePattern } from './pattern-program.ts';

export { PatternError } from './pattern-program.ts';

/** Of a longer text only the end is searched. */
const MAX_TEXT = 16_384;
/** Steps of one search. A pattern that needs more finds nothing. */
const MAX_STEPS = 1_000_000;

type Slots = readonly number[];
interface Thread {
  readonly at: number;
  readonly slots: Slots;
}

export interface Pattern {
  /**
   * What the last match in a text says: its first group that took part, or all of it where there are no groups. Empty
   * matches do not count. Undefined if there is no match.
   */
  last(text: string): string | undefined;
}

/** Throws `PatternError` for a pattern that is not taken. */
export function pattern(source: string): Pattern {
  const { program, groups } = compilePattern(source);

  /** Where the first match at or after `from` and its groups begin and end. */
  function search(text: string, from: number, budget: { left: number }): Slots | undefined {
    let threads: Thread[] = [];
    let found: Slots | undefined;
    const seen = new Int32Array(program.length).fill(-1);
    const follow = (list: Thread[], at: number, slots: Slots, here: number): void => {
      if (seen[at] === here) return;
      seen[at] = here;
      budget.left--;
      const step = program[at];
      switch (step?.op) {
        case 'jump':
          follow(list, step.to, slots, here);
          return;
        case 'fork':
          follow(list, step.first, slots, here);
          follow(list, step.second, slots, here);
          return;
        case 'save': {
          const changed = slots.slice();
          changed[step.slot] = here;
          follow(list, at + 1, changed, here);
          return;
        }
        case 'assert':
          if (step.holds(text, here)) follow(list, at + 1, slots, here);
          return;
        default:
          list.push({ at, slots });
      }
    };
    for (let here = from; here <= text.length && budget.left > 0; here++) {
      // Ways that are under way go before one that begins here.
      if (!found) follow(threads, 0, [], here);
      else if (threads.length === 0) break;
      const next: Thread[] = [];
      const code = here < text.length ? text.charCodeAt(here) : -1;
      for (const { at, slots } of threads) {
        const step = program[at];
        if (step?.op === 'match') {
          found = slots;
          // What has less right to match does not matter any more.
          break;
        }
        if (step?.op === 'one' && code >= 0 && step.test(code)) follow(next, at + 1, slots, here + 1);
      }
      threads = next;
    }
    return budget.left > 0 ? found : undefined;
  }

  function saidBy(text: string, slots: Slots): string {
    for (let group = 1; group <= groups; group++) {
      const [from, to] = [slots[2 * group], slots[2 * group + 1]];
      if (from !== undefined && to !== undefined) return text.slice(from, to);
    }
    return text.slice(slots[0], slots[1]);
  }

  return {
    last(whole) {
      const text = whole.slice(-MAX_TEXT);
      const budget = { left: MAX_STEPS };
      let last: string | undefined;
      for (let from = 0; from <= text.length; ) {
        const slots = search(text, from, budget);
        if (budget.left <= 0) return undefined;
        if (!slots) break;
        last = saidBy(text, slots) || last;
        const end = slots[1] ?? text.length;
        from = end > from ? end : from + 1;
      }
      return last;
    },
  };
}
