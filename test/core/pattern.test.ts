import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PatternError, pattern } from '../../src/core/index.ts';

/** JavaScript's own engine, for patterns that do it no harm. */
function lastBy(source: string, text: string, flags = ''): string | undefined {
  let last: string | undefined;
  for (const match of text.matchAll(new RegExp(source, `g${flags}`))) {
    const groups = match.slice(1);
    last = (groups.length > 0 ? (groups.find((one) => one !== undefined) ?? match[0]) : match[0]) || last;
  }
  return last;
}

const atoms = fc.constantFrom(
  'a',
  'b',
  '1',
  '.',
  '\\d',
  '\\w',
  '\\s',
  '[ab]',
  '[^a]',
  '[a-c1-2]',
  '\\.',
  '\\b',
  '^',
  '$',
  ' ',
);
const piece = fc
  .tuple(atoms, fc.constantFrom('', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{1,}', '{0,2}?'))
  .map(([atom, times]) => (/^(?:\\b|\^|\$)$/.test(atom) ? atom : atom + times));
const source = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: piece },
      fc
        .tuple(fc.constantFrom('(', '(?:'), fc.array(piece, { minLength: 1, maxLength: 2 }))
        .map(([open, of]) => `${open}${of.join('')})`),
      fc.tuple(piece, piece).map(([one, two]) => `(?:${one}|${two})`),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((pieces) => pieces.join(''));
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '2', ' ', '.', '\n'), maxLength: 12 });

describe('a pattern', () => {
  it("finds what JavaScript's own engine finds", () => {
    fc.assert(
      fc.property(source, text, (one, said) => {
        expect(pattern(one).last(said)).toBe(lastBy(one, said));
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['answer: (\\d+)', 'answer: 1, answer: 23', '23'],
    ['(?i)ANSWER: (\\w)', 'answer: b', 'b'],
    ['(?m)^#### (.+)$', 'x\n#### 42\ny', '42'],
    ['(?s)a.b', 'a\nb', 'a\nb'],
    ['(?:no|yes)', 'yes', 'yes'],
    ['(no)|(yes)', 'yes', 'yes'],
    ['(?<value>\\d+) km', '12 km', '12'],
    ['\\u0041\\x42', 'AB', 'AB'],
    ['[\\]\\-x]', '-', '-'],
    ['a{2,3}', 'aaaaa', 'aa'],
    ['x*', 'abc', undefined],
    ['colou?r', 'none', undefined],
  ])('%s in %j finds %j', (one, said, found) => {
    expect(pattern(one).last(said)).toBe(found);
  });

  it.each([
    ['(a)\\1', 'backreference'],
    ['(?<x>a)\\k<x>', 'backreference'],
    ['a(?=b)', 'ahead'],
    ['(?!b)a', 'ahead'],
    ['(?<=a)b', 'behind'],
    ['(?<!a)b', 'behind'],
    ['(', 'without its )'],
    [')', 'without its ('],
    ['[a', 'without its ]'],
    ['*a', 'nothing before it'],
    ['a**', 'repeats a repetition'],
    ['^*', 'no length'],
    ['a{3,2}', 'out of order'],
    ['[b-a]', 'out of order'],
    ['\\p{L}', 'not known'],
    ['(?x)a', 'not known'],
    ['a\\', 'backslash'],
    ['(?:a{100}){100}', 'too large'],
    ['a{1000}', 'more than 100'],
    ['', 'empty'],
    ['a'.repeat(201), 'longer'],
  ])('is refused: %s', (one, why) => {
    expect(() => pattern(one)).toThrow(PatternError);
    expect(() => pattern(one)).toThrow(why);
  });

  it('is read or refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab1(){}[]|*+?.^$\\-,dwsbu:<>=!i'), maxLength: 40 }), (one) => {
        try {
          pattern(one).last('ab1 ba');
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(PatternError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '(a+)+$',
    '(a*)*b',
    '(a|a)*b',
    '(a|aa)+$',
    '(.*)(.*)(.*)(.*)x',
    '(?:a?){60}a{60}b',
    '([a-z]+)*\\d',
    'a|a.*b',
  ])('ends where other engines would go on for ages: %s', (one) => {
    const said = pattern(one).last('a'.repeat(100_000));
    expect(said === undefined || /^a+$/.test(said)).toBe(true);
  });
});
