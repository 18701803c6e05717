import { describe, expect, it } from 'vitest';
import { overrideRows, readOverrides } from '../../src/catalog/index.ts';
import type { ServiceOffer } from '../../src/core/index.ts';
import { priceableOffers } from '../support/providers.ts';

const SERVICES: readonly ServiceOffer[] = [
  {
    provider: 'anyscale',
    service: 'mine',
    model: 'llama-3.3-70b-instruct',
    upstream: 'my-llama',
    price: { known: false },
  },
  {
    provider: 'anyscale',
    service: 'spare',
    model: 'llama-3.3-70b-instruct',
    upstream: 'my-llama',
    price: { known: false },
  },
  { provider: 'ollama', service: 'ollama', model: 'my-model', upstream: 'llama3.2', price: { known: false } },
];
const known = priceableOffers(SERVICES);
const read = (value: unknown, options: { force?: boolean; source?: string; judge?: boolean } = {}) =>
  readOverrides(value, 'CHASQUI_PRICES', { known, judge: true, ...options });
const LLAMA = 'meta.llama3-8b-instruct-v1:0';
const bedrock = (price: unknown) => ({ bedrock: { [LLAMA]: price } });
const token = (input: unknown, output: unknown, more = {}) => ({
  input_per_mtok: input,
  output_per_mtok: output,
  ...more,
});

describe('an override', () => {
  it.each<[string, unknown, unknown]>([
    ['by the token', bedrock(token('0.25', '0.5')), { kind: 'token', input: 250_000_000n, output: 500_000_000n }],
    [
      'with a cache',
      bedrock(token('0.25', '0.5', { cache_read_per_mtok: '0.025', cache_write_per_mtok: '0.3' })),
      { kind: 'token', input: 250_000_000n, output: 500_000_000n, cacheRead: 25_000_000n, cacheWrite: 300_000_000n },
    ],
    [
      'by the second',
      { replicate: { 'meta/codellama-34b': { usd_per_second: '0.0014', tokens_per_second: 30 } } },
      { kind: 'second', perSecond: 1_400_000n, tokensPerSecond: 30 },
    ],
    [
      "by Replicate's hardware",
      { replicate: { 'meta/codellama-34b': { hardware: 'gpu-a100-large' } } },
      { kind: 'second', perSecond: 1_400_000n, hardware: 'gpu-a100-large' },
    ],
    [
      'by the hour',
      { anyscale: { 'mine/my-llama': { usd_per_hour: '0.95', tokens_per_second: 400 } } },
      { kind: 'hour', perHour: 950_000_000n, tokensPerSecond: 400 },
    ],
  ])('is read %s', (_name, value, price) => {
    expect(read(value)).toEqual({ overrides: [expect.objectContaining({ price })], mistakes: [] });
  });

  it.each<[string, string, string]>([
    ['bedrock', LLAMA, LLAMA],
    ['bedrock', 'llama-3-8b-instruct', LLAMA],
    ['bedrock', 'us.meta.llama3-3-70b-instruct-v1:0', 'meta.llama3-3-70b-instruct-v1:0'],
    ['replicate', `meta/llama-2-70b-chat:${'a'.repeat(64)}`, 'meta/llama-2-70b-chat'],
    ['anyscale', 'spare/my-llama', 'spare/my-llama'],
    ['ollama', 'llama3.2', 'llama3.2'],
    ['ollama', 'my-model', 'llama3.2'],
  ])('at %s of %s is of %s', (provider, name, offer) => {
    const { overrides, mistakes } = read({ [provider]: { [name]: token('0.25', '0.5') } });
    expect(mistakes).toEqual([]);
    expect(overrides[0]?.offer).toBe(offer);
  });

  it('holds everywhere, from the day it was given on or from its own', () => {
    const { overrides } = read(bedrock(token('0.25', '0.5', { valid_to: '2026-12-31', source: 'our contract' })));
    expect(
      overrideRows(overrides, { layer: 'admin', version: 3, from: '2026-11-22', checkedAt: '2026-11-22' }),
    ).toEqual([
      expect.objectContaining({
        id: `bedrock/${LLAMA}@admin.3`,
        layer: 'admin',
        region: '*',
        validFrom: '2026-11-22',
        validTo: '2026-12-31',
        source: 'admin',
        detail: 'our contract',
      }),
    ]);
  });
});

describe('an override that is wrong', () => {
  const at = `CHASQUI_PRICES.bedrock["${LLAMA}"]`;

  it.each<[string, unknown, string]>([
    ['no object', [], 'CHASQUI_PRICES must be an object'],
    ['an unknown provider', { openai: {} }, 'CHASQUI_PRICES.openai is no provider here; there are bedrock, '],
    ['a list of models', { bedrock: [] }, 'CHASQUI_PRICES.bedrock must be an object of models.'],
    [
      'an unknown model',
      { together: { 'gpt-5': token('1', '1') } },
      'CHASQUI_PRICES.together["gpt-5"] is no model of together',
    ],
    ['history', { anyscale: { 'meta-llama/Llama-2-70b-chat-hf': token('1', '1') } }, 'is no model of anyscale'],
    [
      'a name of several offers',
      { anyscale: { 'my-llama': token('1', '1') } },
      'can be any of mine/my-llama, spare/my-llama',
    ],
    ['no price', bedrock({}), `${at} must be an object with input_per_mtok`],
    ['half a price', bedrock({ input_per_mtok: '0.3' }), `${at}.output_per_mtok must be dollars`],
    ['a number', bedrock(token(0.3, '0.6')), `${at}.input_per_mtok must be dollars as a decimal string`],
    ['a negative price', bedrock(token('-0.3', '0.6')), 'not negative'],
    ['no number', bedrock(token('NaN', '0.6')), `${at}.input_per_mtok must be dollars`],
    ['an exponent', bedrock(token('3e-1', '0.6')), `${at}.input_per_mtok must be dollars`],
    ['ten decimals', bedrock(token('0.3000000001', '0.6')), 'at most 9 decimals'],
    [
      'two kinds',
      bedrock({ input_per_mtok: '0.3', usd_per_hour: '1' }),
      `${at}.input_per_mtok is not known; beside hour prices`,
    ],
    ['a misspelt field', bedrock(token('0.3', '0.6', { cached: '0.1' })), `${at}.cached is not known`],
    [
      'hardware that is not rented',
      { replicate: { 'meta/codellama-34b': { hardware: 'gpu-tpu' } } },
      'must be one of cpu, gpu-t4',
    ],
    [
      'no speed',
      { ollama: { 'my-model': { usd_per_hour: '1', tokens_per_second: 0 } } },
      'must be a number, 0.001 or above',
    ],
    ['no day', bedrock(token('0.3', '0.6', { valid_from: '22.11.2026' })), `${at}.valid_from must be a day`],
    [
      'an end before its begin',
      bedrock(token('0.3', '0.6', { valid_from: '2026-02-01', valid_to: '2026-01-01' })),
      'must not be before',
    ],
    [
      'the same twice',
      { bedrock: { [LLAMA]: token('0.3', '0.6'), 'llama-3-8b-instruct': token('0.3', '0.6') } },
      `is priced already, as ${at}.`,
    ],
  ])('is refused for %s', (_name, value, mistake) => {
    expect(read(value).mistakes).toEqual([expect.stringContaining(mistake)]);
  });

  it('tells all its mistakes at once, each a sentence, and no value', () => {
    const { mistakes } = read({ openai: {}, bedrock: { [LLAMA]: token('secret', 'secret', { valid_to: 'secret' }) } });
    expect(mistakes).toHaveLength(4);
    for (const mistake of mistakes) expect(mistake).toMatch(/^CHASQUI_PRICES.*\.$/);
    expect(mistakes.join()).not.toContain('secret');
  });
});

describe('a price that is absurd', () => {
  it.each<[string, unknown, string]>([
    ['ten times the list', bedrock(token('3', '0.6')), 'input_per_mtok is 10 times the list price of 0.3'],
    [
      'a thousand times: dollars for a billion',
      bedrock(token('0.3', '600')),
      'output_per_mtok is 1000 times the list price of 0.6',
    ],
    ['a tenth', bedrock(token('0.03', '0.3')), 'input_per_mtok is 1/10 of the list price of 0.3'],
    [
      'a thousandth: dollars for a thousand',
      bedrock(token('0.0003', '0.6')),
      'input_per_mtok is 1/1000 of the list price',
    ],
    ['output below half of input', bedrock(token('0.6', '0.2')), 'output_per_mtok is less than half of input_per_mtok'],
    [
      'a cache above the input',
      bedrock(token('0.3', '0.6', { cache_read_per_mtok: '0.4' })),
      'cache_read_per_mtok is above',
    ],
    [
      'writing to the cache at ten times',
      bedrock(token('0.3', '0.6', { cache_write_per_mtok: '3' })),
      'cache_write_per_mtok is ten times input_per_mtok or more',
    ],
    [
      'more than anything costs',
      { ollama: { 'my-model': token('500', '500') } },
      'input_per_mtok is not between 0.001 and 150',
    ],
    [
      'an hour for a second',
      { replicate: { 'meta/codellama-34b': { usd_per_second: '5.04' } } },
      'usd_per_second is not between',
    ],
    [
      'a second for an hour',
      { ollama: { 'my-model': { usd_per_hour: '0.0014' } } },
      'usd_per_hour is not between 0.005 and 1000',
    ],
  ])('is refused: %s', (_name, value, reason) => {
    const { mistakes } = read(value);
    expect(mistakes.join()).toContain(reason);
    for (const mistake of mistakes) expect(mistake).toMatch(/If it is right, say "force": true\.$/);
    expect(read(value, { force: true }).mistakes).toEqual([]);
  });

  it('is not: a discount of 40 %, and one of 89 %', () => {
    expect(read(bedrock(token('0.18', '0.36'))).mistakes).toEqual([]);
    expect(read(bedrock(token('0.033', '0.066'))).mistakes).toEqual([]);
  });

  it('can be insisted on by one entry for itself', () => {
    expect(read(bedrock(token('3', '6', { force: true }))).mistakes).toEqual([]);
    expect(read(bedrock(token('3', '6', { force: false })), { force: true }).mistakes).not.toEqual([]);
  });

  it('is zero without a source, even by force', () => {
    const own = (more = {}) => ({ ollama: { 'my-model': token('0', '0', more) } });
    expect(read(own({ force: true })).mistakes.join()).toMatch(/input_per_mtok is zero and nothing says why/);
    expect(read(own({ source: 'the machine under my desk' })).mistakes).toEqual([]);
    expect(read(own(), { source: 'all of these are free' }).mistakes).toEqual([]);
    expect(read(bedrock(token('0', '0', { source: 'a gift' }))).mistakes.join()).toContain(
      'is zero, against the list price of 0.3',
    );
    expect(read(bedrock(token('0', '0', { source: 'a gift', force: true }))).mistakes).toEqual([]);
  });

  it('is never minus, whatever the force', () => {
    expect(read(bedrock(token('-1', '-1', { force: true }))).mistakes).toHaveLength(2);
  });

  it('is kept once it has been accepted, whatever the lists say later', () => {
    expect(read(bedrock(token('3', '6')), { judge: false }).mistakes).toEqual([]);
  });
});
