import { describe, expect, it } from 'vitest';
import { type Caller, type KeyTerms, rememberedTerms } from '../../src/accounts/index.ts';
import { GatewayError } from '../../src/core/index.ts';
import { accountsOf, termsOf } from './fake-accounts.ts';

const caller = (key: string, account = 'a'): Caller => ({ account, key, secretHash: `hash of ${key}`, admin: false });

/** Terms, and which keys their accounts were asked about. */
function remembering(answer: (key: string) => KeyTerms | undefined | Error = (key) => termsOf(key)) {
  const asked: string[] = [];
  const terms = rememberedTerms(
    accountsOf((account) => ({
      terms: async (key) => {
        asked.push(`${account}/${key}`);
        const told = answer(key);
        if (told instanceof Error) throw told;
        return told;
      },
    })),
  );
  return { terms, asked };
}

const failure = async (work: () => unknown): Promise<{ code: string; status: number }> => {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof GatewayError) return { code: thrown.code, status: thrown.status };
    throw thrown;
  }
  throw new Error('it did not fail');
};

describe('the terms of a key', () => {
  it('are asked of its account once for calls, and each time for what makes no reservation', async () => {
    const { terms, asked } = remembering();
    for (let call = 0; call < 3; call++) expect(await terms.of(caller('k'))).toEqual(termsOf('k'));
    expect(asked).toEqual(['a/k']);
    for (let read = 0; read < 2; read++) expect(await terms.now(caller('k'))).toEqual(termsOf('k'));
    expect(asked).toEqual(['a/k', 'a/k', 'a/k']);
  });

  it('are those of its own account, where two have keys of one name', async () => {
    const { terms, asked } = remembering();
    await terms.of(caller('k', 'a'));
    await terms.of(caller('k', 'b'));
    expect(asked).toEqual(['a/k', 'b/k']);
  });

  it('give way to newer ones, and are forgotten when they are refused', async () => {
    let answer: KeyTerms | undefined = termsOf('k');
    const { terms, asked } = remembering(() => answer);
    await terms.of(caller('k'));
    terms.learn(caller('k'), termsOf('k', { revision: 7 }));
    expect(await terms.of(caller('k'))).toMatchObject({ revision: 7 });
    answer = undefined;
    expect(await failure(() => terms.now(caller('k')))).toEqual({ code: 'authentication', status: 401 });
    expect(await failure(() => terms.of(caller('k')))).toEqual({ code: 'authentication', status: 401 });
    expect(asked).toHaveLength(3);
  });

  it('are not remembered beyond their time', async () => {
    const { terms, asked } = remembering((key) => termsOf(key, { expiresAt: Date.now() - 1 }));
    await terms.of(caller('k'));
    await terms.of(caller('k'));
    expect(asked).toHaveLength(2);
  });

  it('are remembered for a bounded number of keys, the newest of them', async () => {
    const { terms, asked } = remembering();
    for (let key = 0; key < 2_500; key++) await terms.of(caller(`k${key}`));
    await terms.of(caller('k2499'));
    expect(asked).toHaveLength(2_500);
    await terms.of(caller('k0'));
    expect(asked).toHaveLength(2_501);
  });

  it('are asked for again after one failure, and are a 503 after two', async () => {
    let failures = 1;
    const { terms, asked } = remembering((key) => (failures-- > 0 ? new Error('restarting') : termsOf(key)));
    expect(await terms.of(caller('k'))).toEqual(termsOf('k'));
    expect(asked).toHaveLength(2);
    failures = 2;
    expect(await failure(() => terms.of(caller('other')))).toEqual({ code: 'internal', status: 503 });
    expect(await terms.of(caller('other'))).toEqual(termsOf('other'));
  });
});
