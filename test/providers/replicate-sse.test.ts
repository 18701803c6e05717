import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ServerEvent, sseParser } from '../../providers/replicate/sse.ts';

/** The text in pieces cut at these offsets, all of it, in order. */
function pieces(text: string, cuts: readonly number[]): string[] {
  const sorted = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...sorted].map((from, i) => text.slice(from, sorted[i] ?? text.length));
}

function parse(chunks: readonly string[]): ServerEvent[] {
  const parser = sseParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
}

const word = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, ''));
const lines = fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('\n'));
const event = fc.record({ event: fc.constantFrom('output', 'error', 'done', 'logs'), data: lines });
const lineEnd = fc.constantFrom('\n', '\r\n', '\r');

const written = ({ event, data }: ServerEvent, end: string, comment: string): string =>
  [
    `:${comment}`,
    `event: ${event}`,
    'id: 1690212292:0',
    ...data.split('\n').map((line) => `data: ${line}`),
    '',
    '',
  ].join(end);

describe('the event stream parser', () => {
  it('reads what was written, wherever the network cuts it', () => {
    fc.assert(
      fc.property(fc.array(event), lineEnd, word, fc.array(fc.nat()), (events, end, comment, cuts) => {
        const text = events.map((one) => written(one, end, comment)).join('');
        expect(parse(pieces(text, cuts))).toEqual(events);
      }),
    );
  });

  it('says the same of any text, however it is cut', () => {
    const soup = fc.string({ unit: fc.constantFrom('\r', '\n', ':', ' ', 'data', 'event', 'x') });
    fc.assert(
      fc.property(soup, fc.array(fc.nat()), (text, cuts) => {
        expect(parse(pieces(text, cuts))).toEqual(parse([text]));
      }),
    );
  });

  it('keeps the newlines that travel as empty data lines', () => {
    expect(parse(['event: output\ndata: \ndata: \ndata: B\n\n'])).toEqual([{ event: 'output', data: '\n\nB' }]);
    expect(parse(['event: output\ndata: \n\n'])).toEqual([{ event: 'output', data: '' }]);
  });

  it('strips one space after the colon and no more', () => {
    expect(parse(['event:output\ndata:a\n\n', 'event: output\ndata:   a \n\n'])).toEqual([
      { event: 'output', data: 'a' },
      { event: 'output', data: '  a ' },
    ]);
  });

  it('does not dispatch an event whose blank line never came', () => {
    expect(parse(['event: done\ndata: {}\n'])).toEqual([]);
  });

  it('refuses to hold an event without an end', () => {
    const chunk = 'x'.repeat(1 << 16);
    const parser = sseParser();
    expect(() => {
      for (let i = 0; i < 32; i++) parser.push(chunk);
    }).toThrow(expect.objectContaining({ code: 'stream_interrupted' }));
  });

  it('takes time in proportion to a line that comes one character a read', () => {
    const time = (length: number): number => {
      const parser = sseParser();
      const start = performance.now();
      for (let i = 0; i < length; i++) parser.push('x');
      return performance.now() - start;
    };
    time(10_000);
    // Quadratic would be minutes for this; the bound only has to tell it from linear.
    expect(time(500_000)).toBeLessThan(5_000);
  });
});
