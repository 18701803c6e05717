import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Session, sessions, signInThrottle } from '../../src/accounts/index.ts';

const SECRETS = ['an-admin-key', 'a-secret'];
const codec = sessions(SECRETS);
const hash = fc.string({ minLength: 64, maxLength: 64, unit: fc.constantFrom(...'0123456789abcdef') });
const drawn: fc.Arbitrary<Session> = fc.record({
  expiresAt: fc.integer({ min: 1, max: 4_000_000_000_000 }),
  caller: fc.oneof(
    fc.constant({ account: 'main', key: 'admin', admin: true }),
    fc.record({
      account: fc.stringMatching(/^[a-z0-9._-]{1,63}$/),
      key: fc.string(),
      admin: fc.constant(false),
      secretHash: hash,
    }),
  ),
});

describe('a session’s token', () => {
  it('tells what went into it until it expires', () =>
    fc.assert(
      fc.asyncProperty(drawn, async (session) => {
        const token = await codec.make(session);
        // What a cookie can hold.
        expect(token).toMatch(/^[A-Za-z0-9_.-]+$/);
        expect(await codec.read(token, session.expiresAt - 1)).toEqual(session);
        expect(await codec.read(token, session.expiresAt)).toBeUndefined();
      }),
      { numRuns: 50 },
    ));

  it('is refused if any of its characters is another one', () =>
    fc.assert(
      fc.asyncProperty(drawn, fc.nat(), fc.constantFrom(...'AZaz09-_.'), async (session, where, letter) => {
        const token = await codec.make(session);
        const at = where % token.length;
        const changed = token.slice(0, at) + letter + token.slice(at + 1);
        fc.pre(changed !== token);
        // The last character of base64url carries bits that nobody reads.
        fc.pre(at !== token.length - 1);
        expect(await codec.read(changed, 0)).toBeUndefined();
      }),
      { numRuns: 200 },
    ));

  it('is refused by a deployment with any other secret', async () => {
    const token = await codec.make({ caller: { account: 'main', key: 'admin', admin: true }, expiresAt: 1000 });
    for (const others of [['an-admin-key'], ['an-admin-key', 'another'], ['another', 'a-secret'], SECRETS.toReversed()])
      expect(await sessions(others).read(token, 0), others.join()).toBeUndefined();
  });

  it.each(['', '.', 'a.b', 'a'.repeat(5000), `${'a'.repeat(40)}.${'a'.repeat(43)}`])(
    'is nothing else: %s',
    async (text) => {
      expect(await codec.read(text, 0)).toBeUndefined();
    },
  );
});

describe('wrong keys', () => {
  it('of one address are ten a minute, and others may go on', () => {
    const throttle = signInThrottle();
    for (let at = 0; at < 10; at++) {
      expect(throttle.waitMs('a', 1000 + at)).toBe(0);
      throttle.failed('a', 1000 + at);
    }
    expect(throttle.waitMs('a', 2000)).toBe(59_000);
    expect(throttle.waitMs('b', 2000)).toBe(0);
    expect(throttle.waitMs('a', 61_000)).toBe(0);
  });

  it('of all addresses together are a hundred a minute, however many take part', () => {
    const throttle = signInThrottle();
    for (let at = 0; at < 100; at++) throttle.failed(`address ${at}`, 5000);
    expect(throttle.waitMs('a new one', 5000)).toBe(60_000);
    expect(throttle.waitMs('a new one', 65_000)).toBe(0);
  });
});
