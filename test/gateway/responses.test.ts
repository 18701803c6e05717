import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KEY, type Stack, startStack } from '../support/gateway.ts';
import { readResponses } from '../support/responses.ts';

/** `POST /v1/responses`, as OpenAI's own client calls it. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
afterEach(() => stack.reset());

const client = () => new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: KEY, maxRetries: 0 });
const CAPITAL = 'What is the capital of the California?';
const MODEL = 'llama-3.3-70b-instruct';

describe('a response', () => {
  it('is answered in one piece', async () => {
    const answer = await client().responses.create({ model: `together/${MODEL}`, input: CAPITAL });
    expect(answer).toMatchObject({
      id: expect.stringMatching(/^resp_/),
      object: 'response',
      status: 'completed',
      model: MODEL,
      store: false,
      error: null,
      output: [{ type: 'message', role: 'assistant', status: 'completed' }],
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number), cost: expect.any(Number) },
    });
    expect(answer.output_text).toMatch(/Sacramento/);
  });

  it('is streamed', async () => {
    const stream = client().responses.stream({ model: MODEL, input: CAPITAL });
    const answer = await stream.finalResponse();
    expect(answer.output_text).toMatch(/Sacramento/);
  });
});

describe('the models for Codex', () => {
  it('are those that this deployment serves and that call tools, with their true context windows', async () => {
    const answer = await stack.get('/v1/models?client_version=0.171.0');
    const { models } = (await answer.json()) as { models: Record<string, unknown>[] };
    const bySlug = new Map(models.map((model) => [model.slug, model]));
    expect(bySlug.get(MODEL)).toMatchObject({
      display_name: 'Llama 3.3 70B Instruct',
      context_window: 131_072,
      supported_reasoning_levels: [],
      input_modalities: ['text'],
      visibility: 'list',
      base_instructions: expect.stringMatching(/agent/),
    });
    expect(bySlug.get('gpt-oss-120b')).toMatchObject({ supported_reasoning_levels: [{}, {}, {}] });
    for (const slug of ['llama-2-70b', 'llama-2-70b-chat']) expect(bySlug.has(slug), slug).toBe(false);
  });
});

describe('a prompt that is too long', () => {
  const long = { model: MODEL, input: 'knot '.repeat(140_000), stream: true };

  it('is refused before a stream begins', async () => {
    const answer = await stack.post('/v1/responses', long);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { code: 'context_length_exceeded', type: 'invalid_request_error' },
    });
  });

  it('is refused in a stream where Codex asks, which acts on nothing else', async () => {
    const answer = await stack.post('/v1/responses', long, { 'user-agent': 'codex_cli_rs/0.171.0' });
    expect(answer.status).toBe(200);
    const { final, done } = readResponses(await answer.text());
    expect(final).toMatchObject({ status: 'failed', error: { code: 'context_length_exceeded' } });
    expect(done).toBe(false);
  });
});
