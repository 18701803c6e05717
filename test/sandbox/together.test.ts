import Together from 'together-ai';
import { describe, expect, it } from 'vitest';
import { KEYS, refusal, sandbox } from './support.ts';

const LLAMA = 'meta-llama/Llama-3.3-70B-Instruct-Turbo';
const QWEN = 'Qwen/Qwen2.5-7B-Instruct-Turbo';
const QUESTION = 'What is the capital of the California?';
const ANSWER = 'The capital of California is Sacramento.';

const box = sandbox();
const client = (apiKey = KEYS.together) => new Together({ apiKey, baseURL: `${box.url}/together/v1`, maxRetries: 0 });

const asks = (content: string) => ({ model: LLAMA, messages: [{ role: 'user' as const, content }] });
const post = (path: string, body: unknown) =>
  fetch(`${box.url}/together/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.together}` },
    body: JSON.stringify(body),
  });

const TOOLS = [
  {
    type: 'function' as const,
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];

describe("Together's client against the sandbox", () => {
  it('chats', async () => {
    const answer = await client().chat.completions.create(asks(QUESTION));
    expect(answer.object).toBe('chat.completion');
    expect(answer.choices).toMatchObject([{ index: 0, finish_reason: 'stop', message: { content: ANSWER } }]);
    const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = answer.usage ?? {};
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
  });

  it('streams, with usage on the last chunk that has a choice', async () => {
    const chunks = [];
    for await (const chunk of await client().chat.completions.create({ ...asks(QUESTION), stream: true })) {
      chunks.push(chunk);
    }
    expect(chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join('')).toBe(ANSWER);
    expect(chunks.every((chunk) => chunk.choices[0]?.delta?.role === 'assistant')).toBe(true);
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
      usage: { prompt_tokens: expect.any(Number) },
    });
  });

  it('completes, with the text twice in each chunk of a stream', async () => {
    const body = { model: LLAMA, prompt: QUESTION, max_tokens: 50 };
    const whole = await client().completions.create(body);
    expect(whole).toMatchObject({ object: 'text.completion', choices: [{ text: ANSWER, finish_reason: 'eos' }] });
    const source = await (await post('completions', { ...body, stream: true })).text();
    const chunks = source
      .split('\n\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => JSON.parse(line.slice(6)));
    expect(chunks.map(({ choices: [choice] }) => choice.text).join('')).toBe(ANSWER);
    expect(chunks.map(({ choices: [choice] }) => choice.delta.content).join('')).toBe(ANSWER);
    expect(source.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('calls tools, and says the reason twice in a stream', async () => {
    const asked = { ...asks('Weather in Cusco and Lima?'), tools: TOOLS };
    const [choice] = (await client().chat.completions.create(asked)).choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(choice?.message?.tool_calls?.map((call) => call.function.arguments)).toEqual([
      '{"city":"Cusco"}',
      '{"city":"Lima"}',
    ]);
    const reasons = [];
    const inputs = ['', ''];
    for await (const chunk of await client().chat.completions.create({ ...asked, stream: true })) {
      const [one] = chunk.choices;
      if (one?.finish_reason) reasons.push(one.finish_reason);
      for (const call of one?.delta?.tool_calls ?? []) inputs[call.index] += call.function.arguments ?? '';
    }
    expect(reasons).toEqual(['tool_calls', 'tool_calls']);
    expect(inputs).toEqual(['{"city":"Cusco"}', '{"city":"Lima"}']);
  });

  it('does not call the tool that the answer has just come from', async () => {
    const answer = await client().chat.completions.create({
      ...asks('Weather in Cusco?'),
      tools: TOOLS,
      messages: [
        { role: 'user', content: 'Weather in Cusco?' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            { id: 'c1', type: 'function', index: 0, function: { name: 'get_weather', arguments: '{"city":"Cusco"}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: '12 degrees' },
      ],
    });
    expect(answer.choices[0]?.message?.content).toBe('According to get_weather: 12 degrees');
  });

  it('keeps to a JSON schema', async () => {
    const schema = {
      type: 'object',
      required: ['city', 'days', 'kind'],
      properties: {
        city: { type: 'string' },
        days: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 5 } },
        kind: { enum: ['hot', 'cold'] },
        unused: { type: 'null' },
      },
    };
    const answer = await client().chat.completions.create({
      ...asks('A cold trip to Lima of 9 days'),
      response_format: { type: 'json_schema', json_schema: { name: 'trip', schema } },
    });
    expect(JSON.parse(answer.choices[0]?.message?.content ?? '')).toEqual({ city: 'Lima', days: [5], kind: 'cold' });
  });

  it('gives n choices and log probabilities in its own shape', async () => {
    const answer = await client().chat.completions.create({ ...asks('repeat: a b c'), n: 2, logprobs: 1 });
    expect(answer.choices).toHaveLength(2);
    const { tokens, token_logprobs: logprobs = [] } = answer.choices[0]?.logprobs ?? {};
    expect(tokens).toEqual(['a', ' b', ' c']);
    expect(logprobs.every((one) => (one ?? 1) <= 0)).toBe(true);
  });

  it('ends with `eos` where the model is no Llama, with `stop` at a stop sequence, with `length` at the limit', async () => {
    const reason = async (change: object) =>
      (await client().chat.completions.create({ ...asks('count to 9'), ...change })).choices[0]?.finish_reason;
    expect(await reason({ model: QWEN })).toBe('eos');
    expect(await reason({ stop: ['5'] })).toBe('stop');
    expect(await reason({ max_tokens: 2 })).toBe('length');
  });

  it('lists its models as a bare array with prices', async () => {
    const models = await client().models.list();
    expect(models.find(({ id }) => id === LLAMA)).toMatchObject({ type: 'chat', pricing: { input: 1.04 } });
  });
});

describe('what Together refuses', () => {
  it('a wrong key', async () => {
    const error = await refusal(client('stray').chat.completions.create(asks('hi')));
    expect(error).toMatchObject({ status: 401, error: { error: { code: 'invalid_api_key' } } });
  });

  it.each<[string, string, object, number, object]>([
    ['an unknown model', 'completions', { model: 'x/y', prompt: 'x' }, 404, { code: 'model_not_found' }],
    [
      'a model that it has taken off',
      'completions',
      { model: 'meta-llama/Llama-2-7b-chat-hf', prompt: 'x' },
      400,
      { code: 'model_not_available' },
    ],
    ['a list of prompts', 'completions', { model: LLAMA, prompt: ['a', 'b'] }, 422, { param: 'prompt' }],
    ['a stop that is no list', 'completions', { model: LLAMA, prompt: 'a', stop: 'b' }, 422, { param: 'stop' }],
    [
      "OpenAI's boolean for logprobs",
      'chat/completions',
      { ...asks('hi'), logprobs: true },
      422,
      { param: 'logprobs' },
    ],
    [
      'more tokens than fit',
      'completions',
      { model: 'meta-llama/Llama-2-70b-hf', prompt: 'x', max_tokens: 4096 },
      422,
      {
        message: expect.stringMatching(
          /^Input validation error: `inputs` tokens \+ `max_new_tokens` must be <= 4096\. Given: 2 `inputs`/,
        ),
      },
    ],
    ['another route', 'nothing', {}, 404, { message: 'Not found.' }],
  ])('%s', async (_, path, body, status, error) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error });
  });

  it('nothing for fields it does not know', async () => {
    expect((await post('chat/completions', { ...asks('hi'), stream_options: {}, user: 'u' })).status).toBe(200);
  });
});
