import { describe, expect, it } from 'vitest';
import { asGatewayError, codeForStatus, GatewayError, parseRetryAfter } from '../../src/core/index.ts';

const NOW = Date.parse('2026-11-28T12:00:00Z');

describe('Retry-After', () => {
  it.each([
    ['2', 2000],
    ['0', 0],
    ['0.5', 500],
    ['1.0001', 1001],
    ['Sat, 28 Nov 2026 12:00:30 GMT', 30_000],
    ['Sat, 28 Nov 2026 11:00:00 GMT', 0],
    [String(NOW / 1000 + 30), 30_000],
    [String(NOW + 1500), 1500],
    [String(NOW - 1500), 0],
    ['1e300', undefined],
    ['-1', undefined],
    ['soon', undefined],
    ['', undefined],
    [null, undefined],
  ])('%j is so many milliseconds: %s', (value, expected) => {
    expect(parseRetryAfter(value, NOW)).toBe(expected);
  });
});

describe('a status without more to say', () => {
  it.each([
    [400, 'invalid_request'],
    [401, 'provider_auth'],
    [402, 'provider_auth'],
    [403, 'provider_auth'],
    [404, 'model_not_found'],
    [408, 'timeout'],
    [422, 'invalid_request'],
    [429, 'provider_rate_limited'],
    [500, 'provider_error'],
    [502, 'provider_unavailable'],
    [503, 'provider_overloaded'],
    [504, 'timeout'],
    [521, 'provider_unavailable'],
    [524, 'timeout'],
    [529, 'provider_overloaded'],
  ] as const)('%i is %s', (status, code) => expect(codeForStatus(status)).toBe(code));
});

describe('anything thrown', () => {
  it('is told without its text, unless it was made to be shown', () => {
    const shown = asGatewayError(new TypeError('Cannot read token=abc of undefined'));
    expect(shown).toMatchObject({ code: 'internal', status: 500 });
    expect(`${shown.message}${JSON.stringify(shown.details)}`).not.toMatch(/token|abc|undefined/);
    const made = new GatewayError('timeout', 'It took too long.');
    expect(asGatewayError(made)).toBe(made);
  });
});
