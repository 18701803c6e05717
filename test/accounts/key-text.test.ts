import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACCOUNT_NAME, type Access, authenticate, type Caller, KEY_ID, keyring } from '../../src/accounts/index.ts';
import { GatewayError } from '../../src/core/index.ts';

const ring = keyring('the secret of this deployment');
const access: Access = { kind: 'key', adminKey: 'an-admin-key', keyring: ring };
const NOW = Date.UTC(2026, 10, 28);

const accounts = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);

async function callerOf(text: string, to: Access = access): Promise<Caller | string> {
  try {
    return await authenticate(new Headers({ 'x-api-key': text }), to);
  } catch (thrown) {
    return thrown instanceof GatewayError ? thrown.code : String(thrown);
  }
}

describe('the text of a key', () => {
  it('says whose it is, for every name an account can have, in its own case', async () => {
    await fc.assert(
      fc.asyncProperty(accounts, async (account) => {
        expect(account).toMatch(ACCOUNT_NAME);
        const { id, text, secretHash } = await ring.make(account, NOW);
        expect(id).toMatch(KEY_ID);
        expect(text).toMatch(/^[\w.-]+$/);
        const caller = { account, key: id, secretHash, admin: false };
        // Also by another isolate, which has not seen it.
        expect(await keyring('the secret of this deployment').verify(text)).toEqual(caller);
        expect(await callerOf(text)).toEqual(caller);
      }),
      { numRuns: 200 },
    );
  });

  it('is refused with any one character changed, added or gone, and with anything around it', async () => {
    const { text } = await ring.make('team_a-1.x', NOW);
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === 'A' ? 'B' : 'A';
      for (const forged of [
        text.slice(0, at) + other + text.slice(at + 1),
        text.slice(0, at) + text.slice(at + 1),
        `${text.slice(0, at)}A${text.slice(at)}`,
        text.slice(0, at),
      ]) {
        expect(await callerOf(forged), forged).toBe('authentication');
      }
    }
    expect(await callerOf(text + text)).toBe('authentication');
    expect(typeof (await callerOf(text))).toBe('object');
  });

  it('is refused where an account, an id or a secret is that of another key', async () => {
    const [one, two] = await Promise.all([ring.make('a', NOW), ring.make('b', NOW)]);
    const parts = ({ text }: { text: string }) => /^ck_(.+)_(.{18})_(.{43})_(.{43})$/.exec(text)?.slice(1) ?? [];
    const [a, b] = [parts(one), parts(two)];
    for (let mixed = 1; mixed < 15; mixed++) {
      const text = `ck_${a.map((part, at) => ((mixed >> at) & 1 ? b[at] : part)).join('_')}`;
      expect(await callerOf(text), String(mixed)).toBe('authentication');
    }
  });

  it('of another deployment, or from before the secret was changed, is refused', async () => {
    const { text } = await keyring('another secret').make('main', NOW);
    expect(await callerOf(text)).toBe('authentication');
  });

  it('has no second spelling', async () => {
    const { text } = await ring.make('main', NOW);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(text.at(-1) ?? '');
    for (const low of [1, 2, 3]) {
      // The same bytes, by decoders that do not look at the bits that mean nothing.
      expect(await callerOf(text.slice(0, -1) + alphabet[last | low])).toBe('authentication');
    }
  });

  it('is never the same twice, and sorts by its time', async () => {
    const made = await Promise.all(Array.from({ length: 200 }, (_, at) => ring.make('main', NOW + at * 1_000)));
    expect(new Set(made.map(({ text }) => text)).size).toBe(200);
    expect(new Set(made.map(({ secretHash }) => secretHash)).size).toBe(200);
    const ids = made.map(({ id }) => id);
    expect([...ids].sort()).toEqual(ids);
  });

  it('does not contain what the account stores of it, nor the other way round', async () => {
    const { text, secretHash } = await ring.make('main', NOW);
    expect(secretHash).toMatch(/^[0-9a-f]{64}$/);
    expect(text).not.toContain(secretHash);
  });

  it('is never repeated in a refusal', async () => {
    const { text } = await keyring('another secret').make('main', NOW);
    const message = await Promise.resolve(authenticate(new Headers({ authorization: `Bearer ${text}` }), access)).catch(
      String,
    );
    expect(message).toMatch(/not made here/);
    expect(message).not.toContain(text.slice(8, 40));
  });

  it('takes no long time to refuse, however long it is', async () => {
    for (const long of ['_', 'a_', 'A-', '.'])
      expect(await callerOf(`ck_a${long.repeat(200_000)}`)).toBe('authentication');
  });

  it('is checked in an open sandbox, too, where any other key is let in', async () => {
    const open: Access = { kind: 'open', keyring: ring };
    const { id, text } = await ring.make('main', NOW);
    expect(await callerOf(text, open)).toMatchObject({ account: 'main', key: id, admin: false });
    expect(await callerOf(`${text}x`, open)).toBe('authentication');
    expect(await callerOf('sk-anything', open)).toMatchObject({ account: 'local', key: 'local', admin: true });
  });

  it('is one for a caller, and the admin key is another', async () => {
    expect(await callerOf('an-admin-key')).toEqual({ account: 'main', key: 'admin', admin: true });
  });
});
