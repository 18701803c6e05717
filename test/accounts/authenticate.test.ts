import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Access, authenticate, keyring } from '../../src/accounts/index.ts';
import { GatewayError } from '../../src/core/index.ts';

const KEY = 'chq-4f1d.9a27_Zk3';
const ring = keyring('secret of the tests');
const access: Access = { kind: 'key', adminKey: KEY, keyring: ring };

/** The code of the refusal; undefined for who may pass. */
function refusal(headers: HeadersInit, to: Access = access): string | undefined {
  try {
    authenticate(new Headers(headers), to);
    return undefined;
  } catch (thrown) {
    return thrown instanceof GatewayError ? thrown.code : String(thrown);
  }
}
/** By each way in which a key is sent. */
const both = (key: string, to: Access = access) => [
  refusal({ authorization: `Bearer ${key}` }, to),
  refusal({ 'x-api-key': key }, to),
];
const REFUSED = ['authentication', 'authentication'];

describe('the key', () => {
  it('lets in, by either header, however the scheme is written', () => {
    expect(both(KEY)).toEqual([undefined, undefined]);
    expect(refusal({ authorization: `bearer   ${KEY} ` })).toBeUndefined();
  });

  it('lets in by x-api-key where the authorization is another’s, as a proxy’s', () => {
    expect(refusal({ authorization: 'Basic dXNlcjpwYXNz', 'x-api-key': KEY })).toBeUndefined();
    expect(refusal({ authorization: 'Bearer', 'x-api-key': KEY })).toBeUndefined();
    expect(refusal({ authorization: 'Bearer wrong', 'x-api-key': KEY })).toBe('authentication');
  });

  it('does not let in by any proper prefix of it, nor by any end', () => {
    for (let length = 0; length < KEY.length; length++) {
      expect(both(KEY.slice(0, length)), `${length} characters`).toEqual(REFUSED);
      expect(both(KEY.slice(KEY.length - length)), `the last ${length}`).toEqual(REFUSED);
    }
  });

  it('does not let in when it is doubled, longer, or in another case', () => {
    for (const wrong of [KEY + KEY, KEY.repeat(3), `${KEY}x`, `x${KEY}`, KEY.toUpperCase(), KEY.toLowerCase()])
      expect(both(wrong), wrong).toEqual(REFUSED);
  });

  it('is asked for where it is missing or empty, and doubted where it is another', () => {
    const said = (headers: HeadersInit) => () => authenticate(new Headers(headers), access);
    for (const none of [{}, { 'x-api-key': '' }, { authorization: 'Bearer ' }]) expect(said(none)).toThrow(/^No key\./);
    expect(said({ 'x-api-key': 'another' })).toThrow(/not known here/);
  });

  it('of repeated characters does not let in by fewer or more of them', () => {
    const same: Access = { kind: 'key', adminKey: 'aaaaaaaa', keyring: ring };
    for (const length of [1, 2, 4, 7, 9, 16]) expect(both('a'.repeat(length), same)).toEqual(REFUSED);
    expect(both('a'.repeat(8), same)).toEqual([undefined, undefined]);
  });

  it('does not let in empty, missing, or as something else', () => {
    const wrong: HeadersInit[] = [
      {},
      { 'x-api-key': '' },
      { authorization: '' },
      { authorization: 'Bearer ' },
      { authorization: 'Bearer', 'x-api-key': '' },
      { authorization: KEY },
      { authorization: `Token ${KEY}` },
      { authorization: `Bearer ${KEY} ${KEY}` },
      { cookie: `key=${KEY}` },
    ];
    for (const headers of wrong) expect(refusal(headers), JSON.stringify(headers)).toBe('authentication');
  });

  it('lets in exactly when it is the same', () => {
    const key = fc.string({ unit: fc.constantFrom(...'abAB01._-'), minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(key, key, (secret, presented) => {
        const expected = secret === presented ? [undefined, undefined] : REFUSED;
        expect(both(presented, { kind: 'key', adminKey: secret, keyring: ring })).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('is never repeated in a refusal', () => {
    for (const presented of ['wrong-5f1d', `${KEY}-5f1d`]) {
      try {
        authenticate(new Headers({ authorization: `Bearer ${presented}` }), access);
        expect.unreachable();
      } catch (thrown) {
        expect(String(thrown)).not.toMatch(/5f1d|chq-/);
      }
    }
  });
});

describe('a deployment', () => {
  it('that is local and open lets everybody in', () => {
    expect(refusal({}, { kind: 'open', keyring: ring })).toBeUndefined();
  });

  it('without a key refuses whatever is presented, and says what to set', () => {
    expect(both('anything', { kind: 'unconfigured' })).toEqual(REFUSED);
    expect(() => authenticate(new Headers(), { kind: 'unconfigured' })).toThrow(/CHASQUI_ADMIN_KEY/);
  });
});
