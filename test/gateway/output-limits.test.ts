import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';

/** Models that write less than the caller asked for, which nobody knew before their provider said so. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
afterEach(() => stack.reset());

const messages = [{ role: 'user', content: 'What is the capital of the California?' }];
const sent = async () =>
  (await stack.journal()).map(({ body }) => {
    const { max_tokens: limit, inferenceConfig } = body as {
      readonly max_tokens?: number;
      readonly inferenceConfig?: { readonly maxTokens?: number };
    };
    return limit ?? inferenceConfig?.maxTokens;
  });

describe('a provider that says how much its model writes', () => {
  /** The sandbox's Bedrock takes 8,192 tokens for it, as some regions take less than others. */
  const MODEL = 'bedrock/deepseek-v3.2';

  it.each([
    ['/v1/messages', 'max_tokens', { messages, stream: true }],
    ['/v1/responses', 'max_output_tokens', { input: messages }],
    ['/v1/chat/completions', 'max_tokens', { messages }],
  ])('is asked again for that by %s, and the caller told by its own name', async (path, name, body) => {
    for (const [asked, expected] of [
      [8192, null],
      [30_000, `${name} (limited to 8192)`],
    ] as const) {
      const answer = await stack.post(path, { model: MODEL, ...body, [name]: asked });
      expect(answer.status, await answer.clone().text()).toBe(200);
      expect(answer.headers.get('x-chasqui-dropped')).toBe(expected);
      await answer.text();
    }
  });

  it('is not asked for too much again', async () => {
    const answer = await stack.post('/v1/chat/completions', { model: MODEL, messages, max_tokens: 30_000 });
    expect(answer.headers.get('x-chasqui-dropped')).toBe('max_tokens (limited to 8192)');
    expect(await sent()).toEqual([8192]);
    const sheet = await stack.post('/v1/offers', { model: MODEL, messages, max_tokens: 30_000 });
    const { data } = (await sheet.json()) as { data: object[] };
    expect(data).toContainEqual(
      expect.objectContaining({
        provider: 'bedrock',
        max_output_tokens: 8192,
        drops: ['max_tokens (limited to 8192)'],
      }),
    );
  });

  it('fails a caller who allows no loss', async () => {
    const body = { model: 'bedrock/qwen3-32b', messages, max_tokens: 8193 };
    const answer = await stack.post('/v1/chat/completions', body, { 'x-chasqui-strict': '1' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { param: 'max_tokens' } });
    expect(await sent()).toEqual([8193]);
  });
});
