import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_EVENT_LENGTH, OversizedEvent, sseReader } from '../../providers/http/index.ts';

type Read = readonly [data: string, event: string];

function read(pieces: readonly string[]): Read[] {
  const events: Read[] = [];
  const reader = sseReader((data, event) => events.push([data, event]));
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return events;
}

/** Cuts a text at these places, given as fractions of it. */
function cut(text: string, at: readonly number[]): string[] {
  const places = at.map((fraction) => Math.floor(fraction * text.length)).toSorted((a, b) => a - b);
  return [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length));
}

const line = fc.string({ maxLength: 20 }).map((text) => text.replace(/[\r\n]/g, '¶'));
const event = fc.record({
  data: fc.array(line, { minLength: 1, maxLength: 4 }),
  name: fc.option(line, { nil: undefined }),
  comment: fc.option(line, { nil: undefined }),
  junk: fc.constantFrom(undefined, 'id: 7', 'retry: 3', 'nothing'),
});
const ending = fc.constantFrom('\n', '\r\n', '\r');

describe('the reader of server-sent events', () => {
  it('reads the same events whatever the line ends are and wherever the text is cut', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 6 }),
        fc.infiniteStream(ending),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }),
        fc.boolean(),
        (events, endings, at, lastBlank) => {
          const eol = (): string => endings.next().value;
          let text = '';
          events.forEach((e, i) => {
            if (e.comment !== undefined) text += `:${e.comment}${eol()}`;
            if (e.name !== undefined) text += `event: ${e.name}${eol()}`;
            if (e.junk !== undefined) text += e.junk + eol();
            // A lone CR before an LF would be one line end, so the block's ends are all of one kind.
            const end = eol();
            for (const data of e.data) text += `data: ${data}${end}`;
            if (lastBlank || i < events.length - 1) text += end === '\r' ? '\r' : end;
            if (end === '\r') text += ':\n';
          });
          expect(read(cut(text, at))).toEqual(events.map((e) => [e.data.join('\n'), e.name ?? '']));
        },
      ),
      { numRuns: 300, seed: 7 },
    );
  });

  it('takes CR LF for one line end even when a read falls between the two', () => {
    expect(read(['data: a\r', '\ndata: b\r', '\n\r', '\n', 'data: c\r\n\r\n'])).toEqual([
      ['a\nb', ''],
      ['c', ''],
    ]);
  });

  it('strips one space behind the colon and no more', () => {
    expect(read(['data:a\n\ndata:  b\n\n'])).toEqual([
      ['a', ''],
      [' b', ''],
    ]);
  });

  it('forgets the name of an event that has no data', () => {
    expect(read(['event: error\n\ndata: x\n\n'])).toEqual([['x', '']]);
  });

  it('hands over an event whose blank line never came', () => {
    expect(read(['data: {"a":1}'])).toEqual([['{"a":1}', '']]);
  });

  it.each([
    ['one endless line', () => 'data: '.padEnd(64 * 1024, 'x')],
    ['endlessly many lines of one event', () => `data: ${'x'.repeat(1000)}\n`.repeat(60)],
  ])('gives up on %s instead of keeping it', (_name, next) => {
    const reader = sseReader(() => undefined);
    expect(() => {
      for (let size = 0; size < 2 * MAX_EVENT_LENGTH; size += next().length) reader.push(next());
    }).toThrow(OversizedEvent);
  });

  it('reads an event of almost the largest size that comes in very many pieces, in linear time', () => {
    const payload = 'x'.repeat(MAX_EVENT_LENGTH - 100);
    const text = `data: ${payload}\n\n`;
    const pieces: string[] = [];
    for (let i = 0; i < text.length; i += 8) pieces.push(text.slice(i, i + 8));
    // 131,000 pieces: searching the whole buffer at each would be 10^11 steps, far beyond the test's time limit.
    expect(read(pieces)).toEqual([[payload, '']]);
  });
});
