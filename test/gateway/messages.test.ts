import Anthropic from '@anthropic-ai/sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KEY, type Stack, startStack } from '../support/gateway.ts';

/** `POST /v1/messages`, as Anthropic's own client calls it. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
afterEach(() => stack.reset());

const client = () => new Anthropic({ baseURL: stack.url, apiKey: KEY, maxRetries: 0 });
const CAPITAL = [{ role: 'user', content: 'What is the capital of the California?' }] as const;
const MODEL = 'llama-3.3-70b-instruct';

describe('a message', () => {
  it('is answered in one piece', async () => {
    const answer = await client().messages.create({ model: MODEL, max_tokens: 100, messages: [...CAPITAL] });
    expect(answer).toMatchObject({
      id: expect.stringMatching(/^msg_/),
      type: 'message',
      role: 'assistant',
      model: MODEL,
      content: [{ type: 'text', text: expect.stringMatching(/Sacramento/) }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    });
  });

  it('is streamed', async () => {
    const stream = client().messages.stream({ model: MODEL, max_tokens: 100, messages: [...CAPITAL] });
    const answer = await stream.finalMessage();
    expect(answer.content).toMatchObject([{ type: 'text', text: expect.stringMatching(/Sacramento/) }]);
  });
});
