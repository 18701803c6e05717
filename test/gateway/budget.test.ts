import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { billedAfterwards, rateLimited, SCENARIOS, startStorms, storm } from '../budget/storm.ts';
import type { Stack } from '../support/gateway.ts';

/** `npm run test:budget` does the same with 2,000. */
const CALLS = 60;
const BUYS = 15;

let stack: Stack;
beforeAll(async () => {
  stack = await startStorms();
});
afterAll(() => stack?.stop());

describe('a budget under very many calls at once', () => {
  it.each(SCENARIOS)('holds at every look, and is used up: $name', async (scenario) => {
    expect((await storm(stack, scenario, CALLS, BUYS)).broken).toEqual([]);
  });

  it('would not hold if calls were billed afterwards', async () => {
    const { broken, succeeded } = await billedAfterwards(stack, CALLS, BUYS);
    expect(broken).toHaveLength(1);
    expect(succeeded).toBe(CALLS);
  });
});

describe('a limit of requests a minute', () => {
  it('lets in exactly as many as it says', async () => {
    expect(await rateLimited(stack, 100, 150)).toEqual({ 200: 100, rate_limit_exceeded: 50 });
  });
});
