/**
 * Regular expressions as programs for the machine in pattern.ts. They are written as in JavaScript, without what such a
 * machine cannot do: no backreferences, no looking ahead or behind. `(?i)`, `(?m)` and `(?s)` at the beginning set
 * flags.
 */

const MAX_LENGTH = 200;
/** Instructions of a compiled pattern. */
const MAX_PROGRAM = 256;
const MAX_REPEAT = 100;

type Test = (code: number) => boolean;

type Node =
  | { readonly kind: 'one'; readonly test: Test }
  | { readonly kind: 'assert'; readonly holds: (text: string, at: number) => boolean }
  | { readonly kind: 'all' | 'either'; readonly of: readonly Node[] }
  | { readonly kind: 'group'; readonly slot: number; readonly of: Node }
  | { readonly kind: 'repeat'; readonly of: Node; readonly min: number; readonly max: number; readonly lazy: boolean };

export type Step =
  | { readonly op: 'one'; readonly test: Test }
  | { readonly op: 'assert'; readonly holds: (text: string, at: number) => boolean }
  | { readonly op: 'fork'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'match' };

const inRange =
  (low: string, high: string): Test =>
  (code) =>
    code >= low.charCodeAt(0) && code <= high.charCodeAt(0);
const digit = inRange('0', '9');
const word: Test = (code) => digit(code) || code === 95 || inRange('a', 'z')(code) || inRange('A', 'Z')(code);
const space: Test = (code) => /\s/.test(String.fromCharCode(code));
const not =
  (test: Test): Test =>
  (code) =>
    !test(code);
const newline: Test = (code) => code === 10 || code === 13 || code === 0x2028 || code === 0x2029;

const CLASSES: Readonly<Record<string, Test>> = {
  d: digit,
  D: not(digit),
  w: word,
  W: not(word),
  s: space,
  S: not(space),
};
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' };

const isWord = (text: string, at: number): boolean => at >= 0 && at < text.length && word(text.charCodeAt(at));
const atBoundary = (text: string, at: number): boolean => isWord(text, at - 1) !== isWord(text, at);

/** Why a pattern is not taken, in words that follow its name. */
export class PatternError extends Error {}

/** Reads a pattern by recursive descent. */
function parse(source: string): { readonly root: Node; readonly groups: number } {
  let at = 0;
  let groups = 0;
  const flags = /^\(\?([ims]{1,3})\)/.exec(source);
  if (flags) at = flags[0].length;
  const has = (flag: string): boolean => flags?.[1]?.includes(flag) === true;

  const fold = (test: Test): Test => {
    if (!has('i')) return test;
    return (code) => {
      const one = String.fromCharCode(code);
      return test(code) || test(one.toLowerCase().charCodeAt(0)) || test(one.toUpperCase().charCodeAt(0));
    };
  };
  const exactly = (one: string): Test => {
    const wanted = one.charCodeAt(0);
    return (code) => code === wanted;
  };
  const fail = (why: string): never => {
    throw new PatternError(why);
  };

  /** What follows a backslash: a class, or a character. */
  function escaped(): Test | string {
    const one = source[at++];
    if (one === undefined) return fail('ends in a backslash');
    const known = CLASSES[one];
    if (known) return known;
    if (CONTROLS[one] !== undefined) return CONTROLS[one];
    if (one === 'u' || one === 'x') {
      const hex = source.slice(at, at + (one === 'u' ? 4 : 2));
      if (!/^(?:[\da-f]{4}|[\da-f]{2})$/i.test(hex)) return fail(`has a \\${one} without its hexadecimal digits`);
      at += hex.length;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    if (/[1-9k]/.test(one)) return fail('has a backreference, which cannot be matched in linear time');
    if (/[a-z0]/i.test(one)) return fail(`has \\${one}, which is not known here`);
    return one;
  }

  function set(): Test {
    const inverted = source[at] === '^';
    if (inverted) at++;
    const tests: Test[] = [];
    for (;;) {
      const one = source[at++];
      if (one === undefined) fail('has a [ without its ]');
      if (one === ']') break;
      const low = one === '\\' ? (source[at] === 'b' ? fail('has \\b inside of []') : escaped()) : (one ?? '');
      if (typeof low !== 'string') {
        tests.push(low);
        continue;
      }
      if (source[at] !== '-' || source[at + 1] === ']' || source[at + 1] === undefined) {
        tests.push(exactly(low));
        continue;
      }
      at++;
      const next = source[at++] ?? '';
      const high = next === '\\' ? escaped() : next;
      if (typeof high !== 'string' || high < low) return fail('has a range in [] that is out of order');
      tests.push(inRange(low, high));
    }
    const any = fold((code) => tests.some((test) => test(code)));
    return inverted ? not(any) : any;
  }

  function group(): Node {
    let slot = 0;
    if (source[at] === '?') {
      const named = /^\?<[A-Za-z_]\w*>/.exec(source.slice(at));
      if (named) at += named[0].length;
      else if (source.startsWith('?:', at)) {
        at += 2;
        slot = -1;
      } else if (/^\?<?[=!]/.test(source.slice(at)))
        fail('looks ahead or behind, which cannot be matched in linear time');
      else fail('has a (? of a kind that is not known here; flags stand at the beginning, as (?i)');
    }
    if (slot === 0) slot = ++groups;
    const inner = either();
    if (source[at++] !== ')') fail('has a ( without its )');
    return slot < 0 ? inner : { kind: 'group', slot, of: inner };
  }

  function atom(): Node {
    const one = source[at++] ?? '';
    switch (one) {
      case '(':
        return group();
      case '[':
        return { kind: 'one', test: set() };
      case '.':
        return { kind: 'one', test: has('s') ? () => true : not(newline) };
      case '^':
        return {
          kind: 'assert',
          holds: (text, here) => here === 0 || (has('m') && newline(text.charCodeAt(here - 1))),
        };
      case '$':
        return {
          kind: 'assert',
          holds: (text, here) => here === text.length || (has('m') && newline(text.charCodeAt(here))),
        };
      case '*':
      case '+':
      case '?':
        return fail(`has a ${one} with nothing before it to repeat`);
      case '\\': {
        if (source[at] === 'b' || source[at] === 'B') {
          const inside = source[at++] === 'B';
          return { kind: 'assert', holds: (text, here) => atBoundary(text, here) !== inside };
        }
        const found = escaped();
        return { kind: 'one', test: fold(typeof found === 'string' ? exactly(found) : found) };
      }
      default:
        return { kind: 'one', test: fold(exactly(one)) };
    }
  }

  function repeated(): Node {
    const of = atom();
    const counted = /^\{(\d{1,4})(,(\d{1,4})?)?\}/.exec(source.slice(at));
    let [min, max] = [1, 1];
    const mark = source[at];
    if (counted) {
      at += counted[0].length;
      min = Number(counted[1]);
      max = counted[2] === undefined ? min : counted[3] === undefined ? Number.POSITIVE_INFINITY : Number(counted[3]);
      if (max < min) fail('has a repetition like {3,2}, whose numbers are out of order');
      if (min > MAX_REPEAT || (max > MAX_REPEAT && Number.isFinite(max))) fail(`repeats more than ${MAX_REPEAT} times`);
    } else if (mark === '*' || mark === '+' || mark === '?') {
      at++;
      min = mark === '+' ? 1 : 0;
      max = mark === '?' ? 1 : Number.POSITIVE_INFINITY;
    } else return of;
    if (of.kind === 'assert') fail('repeats something that has no length');
    const lazy = source[at] === '?';
    if (lazy) at++;
    if (/^[*+?]/.test(source.slice(at))) fail('repeats a repetition');
    return { kind: 'repeat', of, min, max, lazy };
  }

  function all(): Node {
    const of: Node[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') of.push(repeated());
    return { kind: 'all', of };
  }

  function either(): Node {
    const of = [all()];
    while (source[at] === '|') {
      at++;
      of.push(all());
    }
    return of.length === 1 && of[0] ? of[0] : { kind: 'either', of };
  }

  const root = either();
  if (at < source.length) fail('has a ) without its (');
  return { root, groups };
}

function emitted(root: Node): readonly Step[] {
  const program: Step[] = [];
  const add = <S extends Step>(step: S): S => {
    if (program.length >= MAX_PROGRAM) throw new PatternError('is too large once its repetitions are written out');
    program.push(step);
    return step;
  };
  const fork = (lazy: boolean) => {
    const made = add({ op: 'fork', first: 0, second: 0 });
    return {
      /** Where it goes to if it enters what it guards, and where if it does not. */
      set(into: number, past: number) {
        made.first = lazy ? past : into;
        made.second = lazy ? into : past;
      },
    };
  };
  function emit(node: Node): void {
    switch (node.kind) {
      case 'one':
        add({ op: 'one', test: node.test });
        return;
      case 'assert':
        add({ op: 'assert', holds: node.holds });
        return;
      case 'group':
        add({ op: 'save', slot: 2 * node.slot });
        emit(node.of);
        add({ op: 'save', slot: 2 * node.slot + 1 });
        return;
      case 'all':
        for (const one of node.of) emit(one);
        return;
      case 'either': {
        const ends: { to: number }[] = [];
        for (const [at, one] of node.of.entries()) {
          if (at === node.of.length - 1) {
            emit(one);
            break;
          }
          const choice = fork(false);
          const into = program.length;
          emit(one);
          ends.push(add({ op: 'jump', to: 0 }));
          choice.set(into, program.length);
        }
        for (const end of ends) end.to = program.length;
        return;
      }
      case 'repeat': {
        const { of, min, max, lazy } = node;
        for (let times = 0; times < min; times++) emit(of);
        if (max === Number.POSITIVE_INFINITY) {
          const start = program.length;
          const loop = fork(lazy);
          emit(of);
          add({ op: 'jump', to: start });
          loop.set(start + 1, program.length);
          return;
        }
        const exits: [ReturnType<typeof fork>, number][] = [];
        for (let times = min; times < max; times++) {
          exits.push([fork(lazy), program.length]);
          emit(of);
        }
        for (const [exit, into] of exits) exit.set(into, program.length);
      }
    }
  }
  add({ op: 'save', slot: 0 });
  emit(root);
  add({ op: 'save', slot: 1 });
  add({ op: 'match' });
  return program;
}

/** A pattern as steps of a machine, and how many groups it has. Throws `PatternError` for one that is not taken. */
export function compilePattern(source: string): { readonly program: readonly Step[]; readonly groups: number } {
  if (source === '') throw new PatternError('is empty');
  if (source.length > MAX_LENGTH) throw new PatternError(`is longer than ${MAX_LENGTH} characters`);
  const { root, groups } = parse(source);
  return { program: emitted(root), groups };
}
