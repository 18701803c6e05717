import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';

const read = (env: Record<string, unknown>) => readConfig(env, () => Promise.reject(new Error('no network')));

describe('the settings of the relay', () => {
  it('are what the operator wrote, and what it left out stays open for each attempt', () => {
    const { timeouts, subrequests, mistakes } = read({
      CHASQUI_TIMEOUTS: '{"first_token_ms": 10000, "piece_ms": 90000}',
      CHASQUI_SUBREQUESTS: '10000',
    });
    expect(timeouts).toEqual({ firstTokenMs: 10_000, pieceMs: 90_000, totalMs: 600_000 });
    expect(subrequests).toBe(10_000);
    expect(mistakes).toEqual([]);
    expect(read({})).toMatchObject({ timeouts: { totalMs: 600_000 }, subrequests: 50 });
  });

  it.each([
    [{ CHASQUI_SUBREQUESTS: '0' }, 'CHASQUI_SUBREQUESTS must be a whole number above 0'],
    [{ CHASQUI_SUBREQUESTS: 'many' }, 'CHASQUI_SUBREQUESTS must be a whole number above 0'],
    [
      { CHASQUI_TIMEOUTS: '{"whole_ms": 5}' },
      'CHASQUI_TIMEOUTS.whole_ms is not known: use connect_ms, first_token_ms, piece_ms',
    ],
    [{ CHASQUI_TIMEOUTS: '{"piece_ms": 0}' }, 'CHASQUI_TIMEOUTS.piece_ms must be a number of milliseconds above 0'],
  ])('say what is wrong with %o', (env, sentence) => {
    expect(read(env).mistakes).toEqual([expect.stringContaining(sentence)]);
  });
});
