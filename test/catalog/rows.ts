import type { PriceRow, Rate } from '../../src/catalog/index.ts';

/** A row of a book, as far as a test does not care. */
export const rowOf = (price: Rate, given: Partial<PriceRow> = {}): PriceRow => ({
  id: 'test/model@2026-11-22',
  layer: 'bundled',
  provider: 'test',
  offer: 'model',
  tier: 'standard',
  region: '*',
  validFrom: '2026-11-22',
  source: 'litellm',
  checkedAt: '2026-11-22',
  price,
  ...given,
});

/** A rate by the token, in whole nano-dollars for a million. */
export const tokens = (input: bigint, output: bigint): Rate => ({ kind: 'token', input, output });
