import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** As pydantic and zod write them: no object closed, limits, definitions. */
const PERSON = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    home: { $ref: '#/$defs/Home' },
  },
  required: ['name', 'age'],
  $defs: { Home: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
};
const CLOSED = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
};
const format = (schema: object) => ({ type: 'json_schema', json_schema: { name: 'person', schema, strict: true } });

let calls = 0;
/** A question that no other test asks. */
const question = () => `Jason is 25 years old. This is structured call ${++calls}.`;
const body = (text: string, more: object) => ({
  model: 'gpt-oss-120b',
  messages: [{ role: 'user', content: text }],
  max_tokens: 2000,
  response_format: format(CLOSED),
  ...more,
});
const only = (...providers: string[]) => ({ provider: { only: providers } });

async function ask(asked: object) {
  const response = await stack.post('/v1/chat/completions', asked, { 'x-chasqui-debug': '1' });
  const answer = (await response.json()) as {
    choices: { message: { content: string; tool_calls?: { function: { arguments: string } }[] } }[];
    chasqui: { attempts: { provider: string; type: string }[] };
  };
  expect(response.status, JSON.stringify(answer)).toBe(200);
  const said = answer.choices[0]?.message.content ?? '';
  return { response, answer, said, dropped: response.headers.get('x-chasqui-dropped') };
}

describe('a JSON Schema at Bedrock', () => {
  it('holds the answer, streamed or not, with nothing dropped', async () => {
    const whole = await ask(body(question(), only('bedrock')));
    expect(JSON.parse(whole.said)).toEqual({ name: 'Jason', age: 25 });
    expect(whole.dropped).toBeNull();
    const streamed = await stack.post('/v1/chat/completions', body(question(), { ...only('bedrock'), stream: true }));
    const { text, done } = readStream(await streamed.text());
    expect([JSON.parse(text[0] ?? ''), done]).toEqual([{ name: 'Jason', age: 25 }, true]);
  });

  it('is made fit as libraries write it; what it cannot hold is named', async () => {
    const { said, dropped, answer } = await ask(
      body(question(), { ...only('bedrock'), response_format: format(PERSON) }),
    );
    expect(JSON.parse(said)).toMatchObject({ name: 'Jason', age: 25 });
    expect(dropped).toBe('response_format (maximum), response_format (minLength), response_format (minimum)');
    expect(answer.chasqui.attempts).toHaveLength(1);
  });

  it('that it cannot hold at all is asked for in words, and said to be dropped', async () => {
    const open = { type: 'object', additionalProperties: { type: 'string' } };
    const { dropped } = await ask(body(question(), { ...only('bedrock'), response_format: format(open) }));
    expect(dropped).toBe('response_format');
  });

  it('holds the arguments of a strict tool', async () => {
    const tool = { type: 'function', function: { name: 'person', parameters: CLOSED, strict: true } };
    const tool_choice = { type: 'function', function: { name: 'person' } };
    const asked = body(question(), { ...only('bedrock'), response_format: undefined, tools: [tool], tool_choice });
    const { answer, dropped } = await ask(asked);
    const [call] = answer.choices[0]?.message.tool_calls ?? [];
    expect(JSON.parse(call?.function.arguments ?? '')).toEqual({ name: 'Jason', age: 25 });
    expect(dropped).toBeNull();
  });

  it.each([
    ['does not know the field', 'output_config.format: Extra inputs are not permitted'],
    ['says nothing that we know', 'The request is not valid.'],
  ])(
    'that a region refuses because it %s: the same call is served as before, and the next ones at once',
    async (_, message) => {
      const model = message.startsWith('output') ? 'qwen3-32b' : 'gpt-oss-20b';
      const text = question();
      const fault = {
        kind: 'status',
        status: 400,
        headers: { 'x-amzn-errortype': 'ValidationException' },
        body: { message },
      };
      await stack.dial({ provider: 'bedrock', text, times: 1, fault });
      const first = await ask(body(text, { ...only('bedrock'), model }));
      expect(first.answer.chasqui.attempts.map(({ provider, type }) => [provider, type === 'ok'])).toEqual([
        ['bedrock', false],
        ['bedrock', true],
      ]);
      expect(first.dropped).toBe('response_format');
      const second = await ask(body(question(), { ...only('bedrock'), model }));
      expect(second.answer.chasqui.attempts).toHaveLength(1);
      expect(second.dropped).toBe('response_format');
    },
  );
});

describe('a JSON Schema at a model that Bedrock does not hold to schemas', () => {
  it('goes to Together, which does, though Bedrock is cheaper', async () => {
    const { response, dropped } = await ask(
      body(question(), { ...only('bedrock', 'together'), model: 'llama-3.3-70b-instruct' }),
    );
    expect(response.headers.get('x-chasqui-provider')).toBe('together');
    expect(dropped).toBeNull();
  });

  it('is refused by Bedrock’s offers under require_parameters, which the error names', async () => {
    const provider = { only: ['bedrock'], require_parameters: true };
    const response = await stack.post(
      '/v1/chat/completions',
      body(question(), { model: 'llama-3.3-70b-instruct', provider }),
    );
    const { error } = (await response.json()) as { error: { message: string } };
    expect([response.status, error.message]).toEqual([400, expect.stringContaining('response_format')]);
  });
});
