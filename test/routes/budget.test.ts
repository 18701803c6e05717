import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { type Accounts, type KeySettings, keyring } from '../../src/accounts/index.ts';
import { formatDollars } from '../../src/core/index.ts';
import { completionOf, errorOf, gateway, hi, KEY, MODEL } from './support.ts';

const { ACCOUNT } = env as unknown as { readonly ACCOUNT: Accounts };

/** One nano-dollar for a token of the prompt, and two for one of the answer. */
const SERVICES = JSON.stringify([
  {
    id: 'mine',
    base_url: 'http://mine.example/v1',
    token: 'mine-token-5f1d',
    models: { [MODEL]: { family: 'llama-3', context_length: 1_000 } },
    price: { input_per_mtok: '0.001', output_per_mtok: '0.002' },
  },
]);

let accounts = 0;

/** A key of a new account with these settings, and a gateway before one server that answers as the test says. */
async function holder(
  settings: Partial<KeySettings>,
  answer: () => Response | Promise<Response> = () => Response.json(completionOf('Hello')),
) {
  const account = `budget-${accounts++}`;
  const { id, text, secretHash } = await keyring(KEY).make(account, Date.now());
  const rpc = ACCOUNT.getByName(account);
  await rpc.createKey({ id, secretHash, settings: { name: 'test', atLimit: 'clamp', ...settings } });
  const sent: Record<string, unknown>[] = [];
  const background: Promise<void>[] = [];
  const ask = gateway(
    async (_input, init) => {
      sent.push(JSON.parse(String(init?.body)));
      return answer();
    },
    { ACCOUNT, OPENAI_COMPATIBLE_SERVICES: SERVICES },
    (work) => background.push(work),
  );
  return {
    sent,
    post: (path: string, body: object, headers: Record<string, string> = {}) =>
      ask('POST', path, body, { authorization: `Bearer ${text}`, ...headers }),
    async state() {
      await Promise.all(background);
      const state = await rpc.keyState(id);
      return { spent: state?.spent, pending: state?.pending, running: state?.running };
    },
  };
}

const budget = (limit: bigint): Partial<KeySettings> => ({ budget: { limit, period: 'total' } });

describe('a call of a key with a budget', () => {
  it('is paid from it: what it cost is spent, and nothing is held any more', async () => {
    const { post, state } = await holder(budget(1_000_000n));
    const answer = await post('/v1/chat/completions', hi);
    const { usage } = await answer.json<{ usage: { cost_exact: string } }>();
    const { spent, pending, running } = await state();
    // 3 tokens in and 2 out.
    expect([answer.status, spent, pending, running]).toEqual([200, 7n, 0n, 0]);
    expect(usage.cost_exact).toBe(formatDollars(7n));
    expect(answer.headers.get('x-chasqui-clamped')).toBeNull();
  });

  it('gets as long an answer as the rest of the budget pays for, and is told so', async () => {
    const { post, sent } = await holder(budget(100n));
    const answer = await post('/v1/chat/completions', { ...hi, max_tokens: 500 });
    const limit = Number(sent[0]?.max_tokens);
    expect(limit).toBeGreaterThan(20);
    expect(limit).toBeLessThan(50);
    expect(answer.headers.get('x-chasqui-clamped')).toBe(`max_tokens=${limit}`);
  });

  it('is refused where the rest does not pay for one token, and nothing is sent', async () => {
    const { post, sent, state } = await holder(budget(3n));
    const answer = await post('/v1/chat/completions', hi);
    expect(answer.headers.get('x-should-retry')).toBe('false');
    const error = await errorOf(answer);
    expect(error).toMatchObject({ status: 402, code: 'insufficient_budget' });
    expect(error.message).toMatch(/\$0\.000000003 is left.*\$0\.0000000\d+ is missing/);
    expect(sent).toEqual([]);
    expect(await state()).toMatchObject({ spent: 0n, pending: 0n });
  });

  it('costs nothing where it was refused by the provider', async () => {
    const { post, state } = await holder(budget(1_000_000n), () => Response.json({ error: {} }, { status: 400 }));
    expect((await post('/v1/chat/completions', hi)).status).toBe(400);
    expect(await state()).toEqual({ spent: 0n, pending: 0n, running: 0 });
  });
});
