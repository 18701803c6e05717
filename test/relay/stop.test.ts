import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/index.ts';
import { applyStop, stopCutter } from '../../src/relay/stream-guards.ts';

/** What the text should come to: cut at the earliest stop string. */
function cut(text: string, stops: readonly string[]): { text: string; stopped: boolean } {
  const at = stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0);
  return at.length > 0 ? { text: text.slice(0, Math.min(...at)), stopped: true } : { text, stopped: false };
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '#', '😀'), maxLength: 40 });
const stopStrings = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n', '#'), minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 3,
});

describe('stop strings that we apply', () => {
  it('cut at the first occurrence, however the text is split', () => {
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 12 }), stopStrings, (pieces, stops) => {
        const cutter = stopCutter(stops);
        let shown = '';
        let stopped = false;
        for (const piece of pieces) {
          const out = cutter.push(piece);
          shown += out.text;
          if (out.stop !== undefined) {
            expect(stops).toContain(out.stop);
            stopped = true;
            break;
          }
        }
        if (!stopped) shown += cutter.flush();
        const wanted = cut(pieces.join(''), stops);
        // A split may show a stop string that ends sooner before one that begins sooner; both cut where one begins.
        expect(stopped).toBe(wanted.stopped);
        if (stops.length === 1) expect(shown).toBe(wanted.text);
        expect(pieces.join('').startsWith(shown)).toBe(true);
        for (const stop of stops) expect(shown.includes(stop)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('hold back no more than the longest less one', () => {
    const cutter = stopCutter(['ENDING']);
    expect(cutter.push('xxxENDIN')).toEqual({ text: 'xxx' });
    expect(cutter.push('x')).toEqual({ text: 'ENDINx' });
  });

  it('end each choice on its own, and the stream once all have ended', async () => {
    const upstream = async function* (): AsyncGenerator<Event[]> {
      yield [
        { type: 'text', choice: 0, text: 'one#two' },
        { type: 'text', choice: 1, text: 'eins' },
      ];
      yield [
        { type: 'text', choice: 0, text: 'never' },
        { type: 'text', choice: 1, text: '#zwei' },
      ];
      yield [{ type: 'text', choice: 1, text: 'nie' }];
      throw new Error('read on after every choice had ended');
    };
    const events: Event[] = [];
    for await (const batch of applyStop(upstream(), ['#'], 2)) events.push(...batch);
    expect(events).toEqual([
      { type: 'text', choice: 0, text: 'one' },
      { type: 'finish', choice: 0, reason: 'stop', cut: true, stopString: '#' },
      { type: 'text', choice: 1, text: 'eins' },
      { type: 'finish', choice: 1, reason: 'stop', cut: true, stopString: '#' },
    ]);
  });

  it('show what was held back of each choice before the stream breaks', async () => {
    const upstream = async function* (): AsyncGenerator<Event[]> {
      yield [
        { type: 'text', choice: 0, text: 'a#' },
        { type: 'text', choice: 1, text: 'b##c' },
      ];
      throw new Error('reset');
    };
    const events: Event[] = [];
    const reading = async () => {
      for await (const batch of applyStop(upstream(), ['##'], 2)) events.push(...batch);
    };
    await expect(reading()).rejects.toThrow('reset');
    expect(events.map((event) => (event.type === 'text' ? `${event.choice}${event.text}` : event.type))).toEqual([
      '0a',
      '1b',
      'finish',
      '0#',
    ]);
  });

  it('show what was held back when the text ends without a stop', async () => {
    const upstream = async function* (): AsyncGenerator<Event[]> {
      yield [{ type: 'text', choice: 0, text: 'a#' }];
      yield [{ type: 'finish', choice: 0, reason: 'length' }];
    };
    const events: Event[] = [];
    for await (const batch of applyStop(upstream(), ['##'], 1)) events.push(...batch);
    expect(events).toEqual([
      { type: 'text', choice: 0, text: 'a' },
      { type: 'text', choice: 0, text: '#' },
      { type: 'finish', choice: 0, reason: 'length' },
    ]);
  });
});
