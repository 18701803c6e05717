import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shorten, table, wrapped } from '../../src/cli/report.ts';

interface Row {
  readonly name: string;
  readonly tokens: string;
  readonly note?: string;
}
const columns = [
  { head: 'model', cell: ({ name }: Row) => name, gives: true },
  { head: 'tokens', cell: ({ tokens }: Row) => tokens, right: true },
  { head: 'note', cell: ({ note = '' }: Row) => note },
];

describe('a table', () => {
  it('is as wide as its cells, numbers to the right, without columns that say nothing', () => {
    const rows = [
      { name: 'a', tokens: '7' },
      { name: 'llama', tokens: '12,345,678' },
    ];
    expect(table(columns, rows, 100)).toEqual(['model      tokens', 'a               7', 'llama  12,345,678']);
  });

  it('cuts the names in their middle where it would be too wide', () => {
    const rows = [{ name: 'meta-llama/Llama-3.3-70B-Instruct-Turbo', tokens: '7', note: 'half-open' }];
    expect(table(columns, rows, 45)).toEqual([
      'model                       tokens  note',
      'meta-llama/Ll…struct-Turbo       7  half-open',
    ]);
  });

  it('is never wider than asked as long as names can give, whatever is in it', () => {
    const word = fc.string({ unit: 'grapheme-ascii', maxLength: 60 });
    const row = fc.record({ name: word, tokens: fc.nat().map(String), note: fc.constantFrom('open', '') });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1 }), fc.integer({ min: 60, max: 120 }), (rows, width) => {
        for (const line of table(columns, rows, width)) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('a name that is too long', () => {
  it('keeps its beginning and its end', () => {
    expect(shorten('us.meta.llama3-3-70b-instruct-v1:0', 16)).toBe('us.meta.…ct-v1:0');
    expect(shorten('short', 5)).toBe('short');
  });
});

describe('a text', () => {
  it('breaks between words, indented below its lead or as told', () => {
    expect(wrapped(' 1  ', 'one two three', 12)).toEqual([' 1  one two', '    three']);
    expect(wrapped('name: ', 'one two three', 12, 2)).toEqual(['name: one', '  two three']);
    expect(wrapped('', 'unbreakable-and-long', 5)).toEqual(['unbreakable-and-long']);
  });
});
