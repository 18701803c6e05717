import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { carryAlike, carryHeaders, carrying } from '../../src/core/index.ts';
import { attemptSpanId, beginTrace, readParent, traceparent } from '../../src/traces/context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const parent = (value: string, state?: string) =>
  readParent(new Headers({ traceparent: value, ...(state === undefined ? {} : { tracestate: state }) }));

describe('traceparent', () => {
  it.each([
    ['the sampled flag', `00-${TRACE}-${SPAN}-01`, { sampled: true, random: false }],
    ['no flag', `00-${TRACE}-${SPAN}-00`, { sampled: false, random: false }],
    ['the random flag, and others that are not known', `00-${TRACE}-${SPAN}-fe`, { sampled: false, random: true }],
    ['a later version with more in it', `42-${TRACE}-${SPAN}-01-what-ever`, { sampled: true, random: false }],
  ])('%s', (_what, value, flags) => {
    expect(parent(value)).toEqual({ traceId: TRACE, parentId: SPAN, ...flags });
  });

  it.each([
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['more after version 00', `00-${TRACE}-${SPAN}-01-more`],
    ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['two of them', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ['too short', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['a later version that goes on without a dash', `42-${TRACE}-${SPAN}-01x`],
    ['nothing', ''],
  ])('%s is not valid', (_what, value) => {
    expect(parent(value, 'vendor=1')).toBeUndefined();
  });

  it('has its tracestate with it, unless that is too long', () => {
    expect(parent(`00-${TRACE}-${SPAN}-01`, 'a=1,b=2')?.state).toBe('a=1,b=2');
    expect(parent(`00-${TRACE}-${SPAN}-01`, 'a'.repeat(513))?.state).toBeUndefined();
  });

  it('is read as it is written', () => {
    const bytes = fc.uint8Array({ minLength: 24, maxLength: 24 });
    fc.assert(
      fc.property(bytes, fc.boolean(), fc.integer({ min: 1, max: 3000 }), (random, on, attempt) => {
        fc.pre(random.subarray(0, 16).some(Boolean));
        const trace = beginTrace(undefined, { byParent: true, ratio: on ? 1 : 0 }, random);
        const id = attemptSpanId(trace, attempt);
        expect(parent(traceparent(trace, id))).toEqual({
          traceId: trace.traceId,
          parentId: id,
          sampled: on,
          random: true,
        });
        expect(id).not.toBe(trace.spanId);
        expect(id).not.toBe(attemptSpanId(trace, attempt + 1));
      }),
    );
  });
});

describe('headers that a signal stands for', () => {
  const sent = async (init: RequestInit) => {
    let seen: RequestInit | undefined;
    const network = carrying(async (_input, given) => {
      seen = given;
      return new Response();
    });
    await network('http://127.0.0.1/', init);
    return seen;
  };

  it('are added to the request and to nothing else', async () => {
    const [asked, own, other] = [new AbortController(), new AbortController(), new AbortController()];
    carryHeaders(asked.signal, { traceparent: 'p' });
    carryAlike(asked.signal, own.signal);
    carryAlike(other.signal, other.signal);
    const headers = new Headers({ accept: 'a' });
    for (const { signal } of [asked, own]) {
      const init = await sent({ headers, signal });
      expect([...new Headers(init?.headers)]).toEqual([
        ['accept', 'a'],
        ['traceparent', 'p'],
      ]);
    }
    // Providers use their headers again.
    expect([...headers]).toEqual([['accept', 'a']]);
    const plain = { headers, signal: other.signal };
    expect(await sent(plain)).toBe(plain);
  });
});
