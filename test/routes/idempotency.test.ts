import { describe, expect, it } from 'vitest';
import { idempotencyKey } from '../../src/routes/admission.ts';
import { holder, sse } from './budgets.ts';
import { completionOf, errorOf, hi } from './support.ts';

const PATH = '/v1/chat/completions';
const key = (name: string) => ({ 'idempotency-key': name });

/** A provider that answers when it is told to. */
function held() {
  let answer: () => void = () => undefined;
  const answering = new Promise<void>((resolve) => {
    answer = resolve;
  });
  return { answer: () => answer(), provider: () => answering.then(() => Response.json(completionOf('Secret words'))) };
}

describe('a call with an Idempotency-Key', () => {
  it('is made once, however many send it at once, and the others are told when to ask again', async () => {
    const { provider, answer } = held();
    const { post, sent } = await holder({}, provider);
    const [first, ...others] = [1, 2, 3].map(() => post(PATH, hi, key('a')));
    for (const repeat of await Promise.all(others.map((one) => one))) {
      expect(Number(repeat.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(repeat.headers.get('x-should-retry')).toBeNull();
      expect(await errorOf(repeat)).toMatchObject({
        status: 409,
        code: 'request_in_progress',
        param: 'Idempotency-Key',
      });
    }
    answer();
    expect((await first)?.status).toBe(200);
    expect(sent).toHaveLength(1);
  });

  it('is answered with its receipt, without any text, once it is done', async () => {
    const { post, sent, state } = await holder({}, () => Response.json(completionOf('Secret words')));
    const first = await post(PATH, hi, key('a'));
    await state();
    const repeat = await post(PATH, hi, key('a'));
    expect([repeat.status, repeat.headers.get('x-should-retry')]).toEqual([409, 'false']);
    const text = await repeat.text();
    expect(text).not.toMatch(/Secret/);
    expect(JSON.parse(text).error).toMatchObject({
      code: 'already_completed',
      metadata: {
        retryable: false,
        receipt: {
          id: first.headers.get('x-chasqui-generation-id'),
          outcome: 'ok',
          status: 200,
          attempts: [{ outcome: 'ok', money: 'settled', cost: '0.000000007', prompt_tokens: 3, completion_tokens: 2 }],
        },
      },
    });
    expect(sent).toHaveLength(1);
  });

  it.each([
    ['another body', PATH, { ...hi, max_tokens: 6 }],
    ['another route', '/v1/messages', { ...hi, max_tokens: 5 }],
  ])('is refused with 422 for %s', async (_what, path, body) => {
    const { post, sent, state } = await holder({});
    await post(PATH, { ...hi, max_tokens: 5 }, key('a'));
    await state();
    const refused = await post(path, body, key('a'));
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ error: { code: 'invalid_request', param: 'Idempotency-Key' } });
    expect(sent).toHaveLength(1);
  });

  it('is the same in whatever order its fields come, and quoted or bare', async () => {
    const { post, state, sent } = await holder({});
    await post(PATH, { ...hi, max_tokens: 5, temperature: 0 }, key('"a b"'));
    await state();
    const repeat = await post(PATH, { temperature: 0, max_tokens: 5, ...hi }, key('a b'));
    expect(await errorOf(repeat)).toMatchObject({ status: 409, code: 'already_completed' });
    expect(sent).toHaveLength(1);
  });

  it('may be made again where it was certainly not billed', async () => {
    const answers = [
      Response.json({ error: { message: 'no' } }, { status: 400 }),
      Response.json(completionOf('Hello')),
    ];
    const { post, state } = await holder({}, () => answers.shift() ?? Response.json(completionOf('Again')));
    const asked = { ...hi, provider: { only: ['mine'] } };
    expect((await post(PATH, asked, key('a'))).status).toBe(400);
    await state();
    expect((await post(PATH, asked, key('a'))).status).toBe(200);
  });

  it('may not be made again where it may have been billed', async () => {
    const broken = () => new Response('{"choices": [', { headers: { 'content-type': 'application/json' } });
    const { post, state, sent } = await holder({}, broken);
    const asked = { ...hi, provider: { only: ['mine'] } };
    expect((await post(PATH, asked, key('a'))).status).toBe(502);
    await state();
    const repeat = await post(PATH, asked, key('a'));
    expect(await repeat.json()).toMatchObject({
      error: { code: 'already_completed', metadata: { receipt: { outcome: 'provider_error' } } },
    });
    expect(sent).toHaveLength(1);
  });

  it('is made once as a stream too, also where its caller left', async () => {
    for (const then of ['complete', 'endless'] as const) {
      const leaving = new AbortController();
      const { post, state, sent } = await holder({}, () => sse(['Hel', 'lo'], then));
      const streamed = { ...hi, stream: true };
      const answer = await post(PATH, streamed, key('a'), leaving.signal);
      expect(answer.headers.get('content-type')).toMatch(/event-stream/);
      if (then === 'complete') await answer.text();
      else {
        await answer.body?.getReader().read();
        expect((await post(PATH, streamed, key('a'))).status).toBe(409);
        leaving.abort();
      }
      await state();
      expect(await errorOf(await post(PATH, streamed, key('a')))).toMatchObject({ code: 'already_completed' });
      expect(sent).toHaveLength(1);
    }
  });

  it('belongs to its key: the same name is another call for another key', async () => {
    const [one, other] = [await holder({}), await holder({})];
    expect((await one.post(PATH, hi, key('a'))).status).toBe(200);
    expect((await other.post(PATH, hi, key('a'))).status).toBe(200);
  });

  it('is refused in the envelope of its dialect', async () => {
    const { post, state } = await holder({});
    const asked = { ...hi, max_tokens: 5 };
    await post('/v1/messages', asked, key('a'));
    await state();
    const repeat = await post('/v1/messages', asked, key('a'));
    expect([repeat.status, repeat.headers.get('x-should-retry')]).toEqual([409, 'false']);
    expect(await repeat.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', code: 'already_completed', metadata: { receipt: { outcome: 'ok' } } },
    });
  });
});

describe('the value of an Idempotency-Key', () => {
  it.each([
    ['a', 'a'],
    ['"a"', 'a'],
    ['"a \\"b\\" \\\\"', 'a "b" \\'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [undefined, undefined],
  ])('is a bare or a quoted string: %s', (value, name) => {
    expect(idempotencyKey(value)).toBe(name);
  });

  it.each(['', '""', 'x'.repeat(256), '"a', '"a"b"'])('is nothing else: %s', (value) => {
    expect(() => idempotencyKey(value)).toThrow(/1 to 255 characters/);
  });
});
