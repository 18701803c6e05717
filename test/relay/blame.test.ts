import { describe, expect, it } from 'vitest';
import { healthBook } from '../../src/relay/index.ts';
import { breaks, error, handClock, run, said, scripted, settle, stalls, textOf } from './support.ts';

const BREAKER = 5;

describe('a stream that breaks after its first content', () => {
  it('counts against its provider as a refusal does', async () => {
    const health = healthBook();
    for (let n = 0; n < BREAKER; n++) {
      const provider = scripted('first', breaks(error('provider_error'), [said('Hel')]));
      const carried = await run({ providers: [provider], health });
      await expect(textOf(carried.events)).rejects.toMatchObject({ code: 'provider_error' });
    }
    expect(health.breaker('first', 'first-llama', 0)).toBe('open');
  });

  it('does not where it was the caller who left', async () => {
    const health = healthBook();
    for (let n = 0; n < BREAKER; n++) {
      const caller = new AbortController();
      // What an upstream throws when it is aborted says nothing of why.
      const provider = scripted('first', (_job, signal) => ({
        events: (async function* () {
          yield [said('Hel')];
          await new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(error('provider_unavailable')));
          });
        })(),
      }));
      const carried = await run({ providers: [provider], health, caller: caller.signal });
      const read = expect(textOf(carried.events)).rejects.toMatchObject({ code: 'canceled' });
      await settle();
      caller.abort();
      await read;
    }
    expect(health.breaker('first', 'first-llama', 0)).toBe('closed');
  });

  it('is told by the timer that ended it, and not by what the upstream threw then', async () => {
    const clock = handClock();
    const provider = scripted('first', (job, signal) => {
      const { events } = stalls([said('Hel')])(job, signal) as { events: AsyncIterable<never> };
      return {
        events: (async function* () {
          try {
            yield* events;
          } catch {
            throw error('provider_unavailable');
          }
        })(),
      };
    });
    const carried = await run({ providers: [provider], clock, timeouts: { idleMs: 3_000 } });
    const read = expect(textOf(carried.events)).rejects.toMatchObject({
      code: 'timeout',
      message: 'first went silent: no data within 3 s.',
    });
    await clock.advance(3_000);
    await read;
  });
});
