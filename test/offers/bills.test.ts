import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { asBilled } from '../../src/offers/counting.ts';
import { BILLS_KEPT, correctionFrom } from '../../src/offers/health.ts';
import { type Bill, countCall, resolve, UNSEEN } from '../../src/offers/index.ts';
import type { PromptSize } from '../../src/offers/types.ts';
import { healthBook } from '../../src/relay/health.ts';
import { offer } from '../relay/support.ts';
import { chat, loadTokenizers, momentOn, offerOf, service, TODAY, user, world } from './support.ts';

const estimated = (tokens: number, more: Partial<PromptSize> = {}): PromptSize => ({
  largest: tokens,
  total: tokens,
  exactness: 'estimate',
  errorBound: 0.5,
  counted: tokens,
  ...more,
});
const bills = (scale: number, extra: number, counts: readonly number[]): Bill[] =>
  counts.map((counted) => ({ counted, billed: Math.round(scale * counted + extra) }));

const counts = fc.array(fc.integer({ min: 8, max: 20_000 }), { minLength: 3, maxLength: BILLS_KEPT });

describe('what bills teach of an estimate', () => {
  it('is nothing before there are three', () => {
    expect(correctionFrom(bills(1.3, 0, [100, 200]))).toBeUndefined();
    expect(correctionFrom(bills(1.3, 0, [100, 200, 300]))).toBeDefined();
  });

  it('is another vocabulary and what the template adds, within the bound that is then told', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.6, max: 1.8, noNaN: true }),
        fc.integer({ min: 0, max: 400 }),
        counts,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (scale, extra, sizes, at) => {
          const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
          const size = Math.round(least + at * (most - least));
          const correction = correctionFrom(bills(scale, extra, sizes));
          const { total, errorBound = 0 } = asBilled(estimated(size), correction, 1);
          const billed = scale * size + extra;
          expect(Math.abs(billed - total)).toBeLessThanOrEqual(total * Math.max(errorBound, 0.15) + 1);
        },
      ),
    );
  });

  it('is exact to a few percent where prompts come in many sizes: 40 tokens of template, a fifth more by the vocabulary', () => {
    const correction = correctionFrom(bills(1.2, 40, [10, 30, 100, 300, 1000, 3000]));
    for (const size of [15, 60, 500, 2500]) {
      const { total, errorBound } = asBilled(estimated(size), correction, 1);
      expect(Math.abs(total / (1.2 * size + 40) - 1)).toBeLessThan(0.03);
      expect(errorBound).toBeLessThanOrEqual(0.08);
    }
  });

  it('never leaves its limits, whatever is billed, and an estimate stays one', () => {
    const odd = fc.array(
      fc.record({ counted: fc.integer({ min: 1, max: 1e6 }), billed: fc.integer({ min: 1, max: 1e7 }) }),
      {
        minLength: 3,
        maxLength: BILLS_KEPT,
      },
    );
    fc.assert(
      fc.property(odd, fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 0, max: 1e5 }), (seen, size, more) => {
        const correction = correctionFrom(seen);
        if (!correction) throw new Error('no correction');
        expect(correction.scale).toBeGreaterThanOrEqual(0.5);
        expect(correction.scale).toBeLessThanOrEqual(2);
        expect(correction.extra).toBeGreaterThanOrEqual(0);
        expect(correction.extra).toBeLessThanOrEqual(4096);
        const corrected = asBilled(estimated(size, { atMost: size + more }), correction, 1);
        expect(corrected.exactness).toBe('estimate');
        expect(corrected.total).toBeLessThanOrEqual(size + more);
        expect(corrected.total).toBeGreaterThanOrEqual(0);
        expect(corrected.errorBound).toBeGreaterThanOrEqual(0.05);
      }),
    );
  });

  it('keeps the wide bound for a prompt of another size than any that was billed', () => {
    const correction = correctionFrom(bills(1.3, 0, [40, 41, 42]));
    expect(asBilled(estimated(40), correction, 1).errorBound).toBeLessThan(0.1);
    expect(asBilled(estimated(10_000), correction, 1).errorBound).toBe(0.5);
  });

  it('has wide bounds where bills are all over the place', () => {
    const correction = correctionFrom([
      { counted: 100, billed: 60 },
      { counted: 100, billed: 100 },
      { counted: 100, billed: 140 },
    ]);
    expect(correction?.errorBound).toBeGreaterThan(0.5);
  });

  it('counts the template of each prompt, and leaves alone what was not counted whole or is exact', () => {
    const correction = correctionFrom(bills(1, 50, [10, 20, 400]));
    const three = asBilled(estimated(300, { largest: 100 }), correction, 3);
    expect(three.total - three.largest).toBeGreaterThan(290);
    const { counted: _, ...images } = estimated(300);
    expect(asBilled(images, correction, 1)).toEqual(images);
    const exact: PromptSize = { largest: 9, total: 9, exactness: 'exact' };
    expect(asBilled(exact, correction, 1)).toEqual(exact);
  });
});

describe('an offer of a model that nobody knows', () => {
  beforeAll(loadTokenizers);
  const own = world({ services: [service({ model: 'my-own' })] });
  const greeting = chat({ models: ['my-own'], messages: [user('Say hello in one word.')], maxTokens: 8 });
  const sized = (health = UNSEEN) => offerOf(greeting, 'anyscale', { ...own, health });

  it('is counted as it was seen to bill, and by nobody else’s bills', () => {
    const before = sized();
    expect(before.prompt).toMatchObject({ exactness: 'estimate', counted: before.prompt.total });
    const book = healthBook();
    // A default system prompt: 40 tokens where 15 were estimated.
    for (let call = 0; call < 4; call++) book.billed(before, 40 + before.reportsExtra);
    const after = sized(book);
    expect(after.prompt.total).toBeGreaterThanOrEqual(39);
    expect(after.prompt.total).toBeLessThanOrEqual(41);
    expect(after.prompt).toMatchObject({ counted: before.prompt.total, errorBound: 0.05 });
    const moment = momentOn(TODAY);
    const { size } = countCall(
      greeting,
      resolve(greeting, { ...own, health: book }, TODAY),
      { ...own, health: book },
      moment,
    );
    expect(size).toEqual(after.prompt);
    // What is learned is learned from the count, not from what was already corrected.
    book.billed(after, 40 + after.reportsExtra);
    expect(sized(book).prompt.total).toBe(after.prompt.total);
    expect(book.correction('anyscale', 'another', false)).toBeUndefined();
    expect(book.correction('anyscale', before.upstream, true)).toBeUndefined();
  });

  it('teaches nothing where the count is exact or left images out', () => {
    const image = { role: 'user', content: [{ type: 'image', url: 'data:image/png;base64,AA==' }] } as const;
    expect(offerOf({ ...greeting, messages: [image] }, 'anyscale', own).prompt).not.toHaveProperty('counted');
    const known = chat({ models: ['llama-3-8b-instruct'], maxTokens: 8 });
    expect(offerOf(known, 'bedrock').prompt).toEqual(expect.objectContaining({ exactness: 'exact' }));
    expect(offerOf(known, 'bedrock').prompt).not.toHaveProperty('counted');
    const book = healthBook();
    const prompt: PromptSize = { largest: 9, total: 9, exactness: 'exact' };
    for (let call = 0; call < 4; call++) book.billed(offer('anyscale', { prompt }), 40);
    expect(book.correction('anyscale', offer('anyscale').upstream, false)).toBeUndefined();
  });
});
