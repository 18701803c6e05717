import { describe, expect, it } from 'vitest';
import { crash } from '../crash/crash.ts';

describe('a gateway that is killed twice, while its database fails now and then', () => {
  // `npm run test:crash` is the same for longer, with a negative control.
  it('has one row for each request that reached a provider, at its cost', async () => {
    const { broken, rows, upstream } = await crash({ seed: 7, kills: 2, lifeMs: [200, 1_500], rate: 0.3 });
    expect(broken).toEqual([]);
    expect(upstream).toBeGreaterThan(0);
    expect(rows).toBeGreaterThanOrEqual(upstream);
  });
});
