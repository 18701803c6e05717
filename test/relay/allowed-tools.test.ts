import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/index.ts';
import { healthBook } from '../../src/relay/index.ts';
import { answers, call, good, handClock, offer, run, said, scripted, textOf } from './support.ts';

const calls = (name: string): Event => ({ type: 'tool', choice: 0, index: 0, id: 'c', name, arguments: '{}' });
const called: Event = { type: 'finish', choice: 0, reason: 'tool_calls' };
const asked = (more = {}) => call({ tools: [{ name: 'read' }], toolChoice: 'auto', allowedTools: ['read'], ...more });

describe('an answer that calls a tool which the caller ruled out', () => {
  it.each([true, false])('goes to the next offer (stream: %s), and the offer is not blamed', async (stream) => {
    const health = healthBook();
    const clock = handClock();
    const first = scripted('first', answers([calls('write'), called]));
    for (let times = 0; times < 20; times++) {
      const carried = await run({
        providers: [first, scripted('second', good)],
        asked: asked({ stream }),
        health,
        clock,
      });
      expect(carried.offer.provider).toBe('second');
      expect(await textOf(carried.events)).toBe('Hello');
    }
    expect(health.breaker('first', offer('first').upstream, clock.now())).toBe('closed');
  });

  it('ends a stream that has begun in an error, and the call is not passed on', async () => {
    const carried = await run({
      providers: [scripted('first', answers([said('I will')], [calls('write')], [called]))],
      asked: asked(),
    });
    const seen: Event[] = [];
    const reading = async () => {
      for await (const batch of carried.events) seen.push(...batch);
    };
    await expect(reading()).rejects.toMatchObject({
      code: 'provider_error',
      message: expect.stringContaining('write'),
    });
    expect(seen).toEqual([said('I will')]);
  });

  it.each([
    ['the tool is allowed', 'read', ['read']],
    ['nothing is ruled out', 'write', undefined],
  ])('is passed on where %s', async (_where, name, allowedTools) => {
    const { allowedTools: _none, ...open } = asked();
    const carried = await run({
      providers: [scripted('first', answers([calls(name), called]))],
      asked: allowedTools ? asked() : open,
    });
    const seen: Event[] = [];
    for await (const batch of carried.events) seen.push(...batch);
    expect(seen).toContainEqual(calls(name));
  });
});
