import { describe, expect, it } from 'vitest';
import { formatDollars } from '../../src/core/index.ts';
import { budget, holder, slowly, sse } from './budgets.ts';
import { completionOf, errorOf, hi, MODEL } from './support.ts';

describe('a call of a key with a budget', () => {
  it('is paid from it: what it cost is spent, and nothing is held any more', async () => {
    const { post, state } = await holder(budget(1_000_000n));
    const answer = await post('/v1/chat/completions', hi);
    const { usage } = await answer.json<{ usage: { cost_exact: string } }>();
    // 3 tokens in and 2 out.
    expect(await state()).toEqual({ spent: 7n, pending: 0n, running: 0 });
    expect([answer.status, usage.cost_exact]).toEqual([200, formatDollars(7n)]);
    expect(answer.headers.get('x-chasqui-clamped')).toBeNull();
  });

  it('gets as long an answer as the rest of the budget pays for, and is told so', async () => {
    const { post, sent } = await holder(budget(100n));
    const answer = await post('/v1/chat/completions', { ...hi, max_tokens: 500 });
    const limit = Number(sent[0]?.body.max_tokens);
    expect(limit).toBeGreaterThan(20);
    expect(limit).toBeLessThan(50);
    expect(answer.headers.get('x-chasqui-clamped')).toBe(`max_tokens=${limit}`);
  });

  it('gets shorter answers for each of its choices', async () => {
    const lengths = await Promise.all(
      [1, 3].map(async (n) => {
        const { post, sent } = await holder(budget(200n));
        await post('/v1/chat/completions', { ...hi, max_tokens: 500, n });
        return Number(sent[0]?.body.max_tokens);
      }),
    );
    const [alone = 0, each = 0] = lengths;
    expect(each).toBeGreaterThan(0);
    expect(each * 3).toBeLessThanOrEqual(alone);
  });

  it('is refused where it wants no parameter changed, and is not shortened', async () => {
    const { post, sent } = await holder(budget(100n));
    const answer = await post('/v1/chat/completions', { ...hi, max_tokens: 500 }, { 'x-chasqui-strict': '1' });
    expect([answer.status, sent]).toEqual([402, []]);
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

  it.each([
    ['/v1/messages', { ...hi, max_tokens: 5 }, { type: 'error', error: { type: 'billing_error' } }],
    ['/v1/responses', { model: MODEL, input: 'Hi' }, { error: { code: 'insufficient_budget' } }],
    ['/v1/completions', { model: MODEL, prompt: 'Hi' }, { error: { code: 'insufficient_budget' } }],
    ['/v1/embeddings', { model: MODEL, input: 'Hi' }, { error: { code: 'insufficient_budget' } }],
    ['/v1/rerank', { model: MODEL, query: 'Hi', documents: ['a'] }, { error: { code: 'insufficient_budget' } }],
  ])('is refused in the envelope of its dialect: %s', async (path, body, envelope) => {
    const { post, sent } = await holder(budget(1n));
    const answer = await post(path, body);
    expect([answer.status, answer.headers.get('x-should-retry')]).toEqual([402, 'false']);
    expect(await answer.json()).toMatchObject(envelope);
    expect(sent).toEqual([]);
  });

  it('cannot use an offer without a known price, and is told which', async () => {
    const { post, sent } = await holder(budget(1_000_000n));
    const answer = await post('/v1/chat/completions', { ...hi, model: 'unpriced' });
    const error = await errorOf(answer);
    expect(error).toMatchObject({ status: 400, code: 'no_eligible_offer' });
    expect(error.message).toMatch(/unpriced has no known price, and this key has a budget.*PUT \/v1\/prices/);
    expect(sent).toEqual([]);
  });

  it('may use one without where it has none', async () => {
    const { post } = await holder({ rpm: 5 });
    expect((await post('/v1/chat/completions', { ...hi, model: 'unpriced' })).status).toBe(200);
  });
});

describe('the end of a call of a key with a budget', () => {
  it('is free where the provider refused it', async () => {
    const { post, state, records } = await holder(budget(1_000_000n), () =>
      Response.json({ error: {} }, { status: 400 }),
    );
    const refused = await post('/v1/chat/completions', hi);
    expect(refused.status).toBe(400);
    expect(records()).toMatchObject([{ start: { call: refused.headers.get('x-chasqui-generation-id') } }]);
    expect(await state()).toEqual({ spent: 0n, pending: 0n, running: 0 });
  });

  it('is its upper bound where it may have been billed, and nobody knows', async () => {
    const { post, state, records } = await holder(
      budget(1_000_000n),
      () => new Response('{"choices": [', { headers: { 'content-type': 'application/json' } }),
    );
    const asked = { ...hi, max_tokens: 10, provider: { only: ['mine'] } };
    expect((await post('/v1/chat/completions', asked)).status).toBe(502);
    const { spent = 0n, pending } = await state();
    expect(pending).toBe(0n);
    expect(spent).toBeGreaterThan(20n);
    expect(records()).toMatchObject([
      { attempts: [{ end: { money: 'upper_bound', cost: spent, undelivered: true } }] },
    ]);
  });

  it('of a stream is what the stream cost', async () => {
    const { post, state, records } = await holder(budget(1_000_000n), () => sse(['Hel', 'lo'], 'complete'));
    const answer = await post('/v1/chat/completions', { ...hi, stream: true });
    expect(await answer.text()).toContain('[DONE]');
    expect(await state()).toEqual({ spent: 7n, pending: 0n, running: 0 });
    expect(records()).toMatchObject([
      { outcome: 'ok', attempts: [{ end: { outcome: 'ok', finish: 'stop', usage: { source: 'provider' } } }] },
    ]);
  });

  it('of a stream that breaks is what was counted of it', async () => {
    const { post, state, records } = await holder(budget(1_000_000n), () => sse(['Hel', 'lo'], 'broken'));
    const answer = await post('/v1/chat/completions', { ...hi, stream: true });
    expect(await answer.text()).not.toContain('[DONE]');
    const { spent = 0n, pending } = await state();
    expect(pending).toBe(0n);
    const [record] = records();
    expect(record).toMatchObject({
      outcome: 'stream_interrupted',
      attempts: [{ end: { outcome: 'stream_interrupted', money: 'settled', undelivered: true, cost: spent } }],
    });
    const { usage } = record?.attempts[0]?.end ?? {};
    // "Hello" is one token.
    expect(usage).toMatchObject({ output: 1, source: 'counted' });
    expect(spent).toBe(BigInt(usage?.input ?? 0) + 2n);
  });

  it('of a stream whose caller leaves is what was counted of it', async () => {
    const { post, state, records } = await holder(budget(1_000_000n), () => sse(['Hel', 'lo'], 'endless'));
    const leaving = new AbortController();
    const answer = await post('/v1/chat/completions', { ...hi, stream: true }, {}, leaving.signal);
    await answer.body?.getReader().read();
    leaving.abort();
    const { spent = 0n, pending, running } = await state();
    expect([pending, running]).toEqual([0n, 0]);
    expect(spent).toBeGreaterThan(0n);
    expect(records()).toMatchObject([
      { outcome: 'canceled', attempts: [{ end: { outcome: 'canceled', canceled: true, undelivered: true } }] },
    ]);
  });

  it('is its upper bound where its caller leaves before anything has come', async () => {
    const leaving = new AbortController();
    const { post, state, records } = await holder(budget(1_000_000n), () => {
      setTimeout(() => leaving.abort(), 5);
      return slowly(() => Response.json(completionOf('Hello')));
    });
    await post('/v1/chat/completions', { ...hi, max_tokens: 10 }, {}, leaving.signal).catch(() => undefined);
    const { spent = 0n, pending } = await state();
    expect(pending).toBe(0n);
    expect(spent).toBeGreaterThan(20n);
    expect(records()).toMatchObject([
      { outcome: 'canceled', attempts: [{ end: { money: 'upper_bound', canceled: true, undelivered: true } }] },
    ]);
  });

  it('is recorded as it is where the provider breaks the limit that it was sent, and flagged', async () => {
    const { post, state, records } = await holder(budget(100n), () => Response.json(completionOf('Hello', 400)));
    expect((await post('/v1/chat/completions', hi)).status).toBe(200);
    expect(await state()).toEqual({ spent: 803n, pending: 0n, running: 0 });
    expect(records()).toMatchObject([{ attempts: [{ end: { cost: 803n, overrun: true } }] }]);
    expect((await post('/v1/chat/completions', hi)).status).toBe(402);
  });
});

describe('a fallback of a key with a budget', () => {
  it('is held beside the attempts before it, which are settled', async () => {
    const { post, state, sent, records } = await holder(budget(1_000_000n), ({ service }) =>
      service === 'mine' ? Response.json({}, { status: 503 }) : Response.json(completionOf('Hello')),
    );
    expect((await post('/v1/chat/completions', hi)).status).toBe(200);
    expect(sent.map(({ service }) => service)).toEqual(['mine', 'dear']);
    expect(await state()).toEqual({ spent: 70n, pending: 0n, running: 0 });
    expect(records()).toMatchObject([
      { attempts: [{ end: { attempt: 1, money: 'released' } }, { end: { attempt: 2, money: 'settled', cost: 70n } }] },
    ]);
  });

  it('is passed over where the budget does not pay for it, and the call is refused with what is missing', async () => {
    const { post, state, sent } = await holder(budget(60n), () => Response.json({}, { status: 503 }));
    const error = await errorOf(await post('/v1/chat/completions', { ...hi, max_tokens: 3 }));
    expect(error).toMatchObject({ status: 402, code: 'insufficient_budget' });
    expect(error.message).toMatch(/dear.*is missing/);
    expect(sent.every(({ service }) => service === 'mine')).toBe(true);
    expect(await state()).toEqual({ spent: 0n, pending: 0n, running: 0 });
  });

  it('gets a shorter answer where the budget does not pay for all of it', async () => {
    const { post, sent } = await holder(budget(400n), ({ service }) =>
      service === 'mine' ? Response.json({}, { status: 503 }) : Response.json(completionOf('Hello')),
    );
    const answer = await post('/v1/chat/completions', { ...hi, max_tokens: 100 });
    const [, dear] = sent;
    expect(sent[0]?.body.max_tokens).toBe(100);
    expect(answer.headers.get('x-chasqui-clamped')).toBe(`max_tokens=${dear?.body.max_tokens}`);
    expect(Number(dear?.body.max_tokens)).toBeLessThan(20);
  });
});

describe('a key that prefers cheaper offers at its limit', () => {
  const order = { provider: { order: ['dear', 'mine'] } };

  it('keeps the order while its budget pays for all of an answer', async () => {
    const { post, sent } = await holder({ ...budget(1_000_000n), atLimit: 'cheaper' });
    const answer = await post('/v1/chat/completions', { ...hi, max_tokens: 50, ...order });
    expect(sent.map(({ service }) => service)).toEqual(['dear']);
    expect(answer.headers.get('x-chasqui-cheaper')).toBeNull();
  });

  it('asks one that its budget pays for in full, and says so', async () => {
    const { post, sent } = await holder({ ...budget(600n), atLimit: 'cheaper' });
    const asked = { ...hi, max_tokens: 50, ...order };
    const answer = await post('/v1/chat/completions', asked, { 'x-chasqui-debug': '1' });
    expect(sent.map(({ service, body }) => [service, body.max_tokens])).toEqual([['mine', 50]]);
    expect(answer.headers.get('x-chasqui-cheaper')).toBe(`instead of dear's ${MODEL}`);
    expect(answer.headers.get('x-chasqui-clamped')).toBeNull();
    expect(JSON.stringify(await answer.json())).toContain('The budget of the key does not pay for a whole answer');
  });

  it('shortens the answer where it pays for none in full', async () => {
    const { post, sent } = await holder({ ...budget(100n), atLimit: 'cheaper' });
    const answer = await post('/v1/chat/completions', { ...hi, max_tokens: 500, ...order });
    expect(answer.status).toBe(200);
    expect(sent).toHaveLength(1);
    expect(answer.headers.get('x-chasqui-clamped')).toBe(`max_tokens=${sent[0]?.body.max_tokens}`);
  });
});

describe('the budget of an account', () => {
  it('holds for every key of it together, and for the admin key', async () => {
    const first = await holder({});
    await first.rpc.changeAccount({ budget: { limit: 60n, period: 'total' } });
    // The isolate that makes its first call since then learns of it, and the call begins anew.
    const answer = await first.post('/v1/chat/completions', { ...hi, max_tokens: 500 });
    expect(answer.headers.get('x-chasqui-clamped')).toMatch(/^max_tokens=\d+$/);
    await first.state();
    await first.rpc.changeAccount({ budget: { limit: 8n, period: 'total' } });
    expect((await first.post('/v1/chat/completions', hi)).status).toBe(402);
    const { spent } = await first.rpc.accountState();
    expect(spent).toBe(7n);
  });
});

describe('a vote of a key with a budget', () => {
  /** Long answers make a request for each sample cheaper than one for all, as some need not be made. */
  const vote = { ...hi, max_tokens: 100, vote: { samples: 5 } };

  it('holds all of its samples before the first is sent', async () => {
    let most = 0n;
    const { post, state, pending, sent } = await holder(budget(100_000n), async () => {
      const held = await pending();
      if (held > most) most = held;
      return Response.json(completionOf('42'));
    });
    const answer = await post('/v1/chat/completions', { ...vote, model: 'apart' });
    expect(answer.status).toBe(200);
    expect(sent.length).toBeGreaterThan(2);
    const { vote: came } = await answer.json<{ vote: { samples: number; cancelled: number } }>();
    const { spent = 0n, pending: left } = await state();
    expect(left).toBe(0n);
    // Each sample holds its prompt and a hundred tokens.
    expect(most).toBeGreaterThan(1_000n);
    expect(spent).toBeGreaterThanOrEqual(BigInt(came.samples) * 7n);
    expect(spent).toBeLessThanOrEqual(most);
  });

  it('shortens every sample alike, so that all of them are paid for', async () => {
    const { post, sent, state } = await holder(budget(600n), () => Response.json(completionOf('42', 4)));
    const answer = await post('/v1/chat/completions', { ...vote, model: 'apart' });
    expect(answer.status).toBe(200);
    const limits = new Set(sent.map(({ body }) => body.max_tokens));
    expect(sent.length).toBeGreaterThan(2);
    expect(limits.size).toBe(1);
    expect(answer.headers.get('x-chasqui-clamped')).toBe(`max_tokens=${[...limits][0]}`);
    const { spent = 0n, pending } = await state();
    expect(pending).toBe(0n);
    expect(spent).toBeLessThanOrEqual(600n);
  });

  it('is refused where its samples are not all paid for, before any is sent', async () => {
    const { post, sent, state } = await holder(budget(60n));
    expect((await post('/v1/chat/completions', { ...vote, model: 'apart' })).status).toBe(402);
    expect(sent).toEqual([]);
    expect(await state()).toEqual({ spent: 0n, pending: 0n, running: 0 });
  });
});
