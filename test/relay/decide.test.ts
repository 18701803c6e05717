import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cast, count } from '../../src/relay/decide.ts';

const answer = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
const cost = fc.option(fc.bigInt({ min: 1n, max: 3n }), { nil: undefined });
/** All samples of a vote, the share that must agree, and an order in which they answer. */
const votes = fc.integer({ min: 2, max: 9 }).chain((samples) =>
  fc.record({
    casts: fc
      .array(fc.record({ answer, cost }), { minLength: samples, maxLength: samples })
      .map((all) => all.map((one, at): Cast => ({ at, ...one }))),
    share: fc.constantFrom(undefined, 0.2, 0.5, 0.6, 0.75, 1),
    order: fc.shuffledSubarray([...Array(samples).keys()], { minLength: samples, maxLength: samples }),
  }),
);
const inOrder = (casts: readonly Cast[], order: readonly number[]): Cast[] => order.flatMap((at) => casts[at] ?? []);

const cast = (at: number, answer: string | undefined, cost?: bigint): Cast => ({ at, answer, cost });

describe('the count of a vote', () => {
  it('does not depend on the order in which samples answer', () => {
    fc.assert(
      fc.property(votes, ({ casts, share, order }) => {
        const shuffled = count(inOrder(casts, order), 0, casts.length, share);
        expect(shuffled).toEqual(count(casts, 0, casts.length, share));
        expect(shuffled.decided).toBe(true);
      }),
    );
  });

  it('is decided early only where no further sample could change the outcome', () => {
    fc.assert(
      fc.property(votes, ({ casts, share, order }) => {
        const samples = casts.length;
        const whole = count(casts, 0, samples, share);
        const arriving = inOrder(casts, order);
        for (let so = 0; so <= samples; so++) {
          const part = count(arriving.slice(0, so), samples - so, samples, share);
          if (part.decided) expect(part.outcome).toBe(whole.outcome);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['aa', 3, undefined, true],
    ['ab', 3, undefined, false],
    ['aaa', 5, undefined, true],
    ['aab', 5, undefined, false],
    ['aaba', 5, undefined, true],
    ['aaa', 5, 0.8, false],
    ['aaaa', 5, 0.8, true],
    ['aabb', 5, 0.8, true],
    ['aab', 5, 0.6, false],
  ])('of %s, %i samples and a share of %s is over: %s', (said, samples, share, over) => {
    const casts = [...said].map((answer, at) => cast(at, answer));
    expect(count(casts, samples - casts.length, samples, share).decided).toBe(over);
  });

  it('wants at least one sample and no more than are left, and is decided if they agree with the leader', () => {
    fc.assert(
      fc.property(votes, ({ casts, share, order }) => {
        const samples = casts.length;
        const arriving = inOrder(casts, order);
        for (let so = 1; so < samples; so++) {
          const known = arriving.slice(0, so);
          const { decided, wanting, votes: sofar } = count(known, samples - so, samples, share);
          expect(wanting === 0).toBe(decided);
          expect(wanting).toBeLessThanOrEqual(samples - so);
          if (decided || !sofar[0]) continue;
          const agreeing = arriving.slice(so, so + wanting).map(({ at }) => ({ at, answer: sofar[0]?.answer }));
          expect(count([...known, ...agreeing], samples - so - wanting, samples, share).decided).toBe(true);
        }
      }),
    );
  });

  it('answers with a sample that voted for the winner, whatever else was said', () => {
    fc.assert(
      fc.property(votes, ({ casts, share }) => {
        const { winner, votes: sofar } = count(casts, 0, casts.length, share);
        expect(casts[winner ?? -1]?.answer).toBe(sofar[0]?.answer);
      }),
    );
  });

  it('breaks ties by the cheaper sample, then by the earlier', () => {
    expect(count([cast(0, 'a', 2n), cast(1, 'b', 1n)], 0, 2).outcome).toBe('b');
    expect(count([cast(1, 'b', 1n), cast(0, 'a', 1n)], 0, 2).outcome).toBe('a');
    expect(count([cast(0, 'a'), cast(1, 'b', 9n)], 0, 2).outcome).toBe('b');
  });

  it('does not stop at a tie that a cheaper sample could still win', () => {
    expect(count([cast(0, 'a', 2n), cast(1, 'a', 2n)], 2, 4).decided).toBe(false);
    expect(count([cast(0, 'a', 2n), cast(1, 'a', 2n), cast(2, 'a', 2n)], 2, 5).decided).toBe(true);
  });

  it('has no outcome where too few agree, but a sample to answer with', () => {
    const split = count([cast(0, 'a'), cast(1, 'b'), cast(2, 'a')], 0, 3, 0.75);
    expect(split).toMatchObject({ outcome: null, winner: 0, agreement: 2 / 3 });
    // Two different answers of three rule out that all agree.
    expect(count([cast(0, 'a'), cast(1, 'b')], 1, 3, 1)).toMatchObject({ decided: true, outcome: null });
  });

  it('counts abstentions among those who do not agree', () => {
    const counted = count([cast(0, undefined), cast(1, 'a'), cast(2, undefined)], 0, 3);
    expect(counted).toMatchObject({ outcome: 'a', abstentions: 2, winner: 1, agreement: 1 / 3 });
    expect(count([cast(0, undefined)], 0, 1)).toMatchObject({ outcome: null, winner: 0, agreement: 0 });
  });
});
