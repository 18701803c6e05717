import { describe, expect, it } from 'vitest';
import { bedrock, converseJob, invokeJob, json, run, upstream } from './support/bedrock.ts';
import { invokeChunk, streamOf } from './support/bedrock-frames.ts';

const answer = (content: unknown, stopReason = 'end_turn', usage?: Record<string, number>) => ({
  output: { message: { role: 'assistant', content } },
  stopReason,
  ...(usage ? { usage } : {}),
});
const raw = (body: string, type = 'application/json'): Response =>
  new Response(body, { headers: { 'content-type': type, 'x-amzn-requestid': 'req-1' } });
const heard = (response: Response) => run(bedrock(upstream(() => response).fetch), converseJob({ stream: false }));

describe('the stop string that matched', () => {
  const ended = (stop: readonly string[], reason: string) =>
    run(bedrock(upstream(() => json(answer([{ text: 'Hi' }], reason))).fetch), converseJob({ stream: false, stop }));

  it('is known where there is one, because Converse says no more than that one matched', async () => {
    const stopString = async (stop: readonly string[], reason: string) =>
      (await ended(stop, reason)).choices.get(0)?.stopString;
    expect(await stopString(['###'], 'stop_sequence')).toBe('###');
    expect(await stopString(['###', '+'], 'stop_sequence')).toBeUndefined();
    expect(await stopString(['###'], 'end_turn')).toBeUndefined();
  });
});

describe('a Converse answer in one piece', () => {
  it('has its text, whatever block it is in', async () => {
    const got = await heard(
      json(
        answer([
          { reasoningContent: { reasoningText: { text: 'Hmm.', signature: 's' } } },
          { text: 'It is ' },
          { citationsContent: { content: [{ text: 'blue' }], citations: [{ title: 'Sky' }] } },
          { toolUse: { toolUseId: 's', name: 'web_search', input: {}, type: 'server_tool_use' } },
          { somethingNew: { text: 'ignored' } },
          { text: '.' },
        ]),
      ),
    );
    expect(got.error).toBeUndefined();
    expect(got.choices.get(0)).toMatchObject({
      text: 'It is blue.',
      reasoning: 'Hmm.',
      toolCalls: [],
      finish: 'stop',
      native: 'end_turn',
    });
    expect(got.usage).toBeUndefined();
  });

  it('may be empty', async () => {
    const got = await heard(json(answer([], 'end_turn', { inputTokens: 0, outputTokens: 0, totalTokens: 0 })));
    expect(got).toMatchObject({ error: undefined, batches: 1, usage: { input: 0, output: 0 } });
    expect(got.choices.get(0)).toMatchObject({ text: '', finish: 'stop' });
  });

  it('keeps every digit of a tool’s numbers', async () => {
    const input = '{"id":12345678901234567890,"pi":3.14159265358979323846264,"n":[1,-0.5,true,null,"\\"x"]}';
    const got = await heard(
      raw(
        `{"output":{"message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":${input}}}]}},"stopReason":"tool_use"}`,
      ),
    );
    expect(got.choices.get(0)?.toolCalls[0]?.arguments).toBe(input);
  });

  it.each([
    ['null', '{}'],
    ['""', '{}'],
    ['{}', '{}'],
    [JSON.stringify('{"city":"Lima"}'), '{"city":"Lima"}'],
    ['"Lima"', '"Lima"'],
  ])('calls a tool with what stands for its arguments: %s', async (input, args) => {
    const got = await heard(
      raw(
        `{"output":{"message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":${input}}}]}},"stopReason":"tool_use"}`,
      ),
    );
    expect(got.choices.get(0)).toMatchObject({ toolCalls: [{ arguments: args }], finish: 'tool_calls' });
  });

  it('is refused where a number would take the machine’s memory', async () => {
    const got = await heard(
      raw(
        '{"output":{"message":{"content":[{"toolUse":{"toolUseId":"a","name":"f","input":{"n":1e99999999}}}]}},"stopReason":"tool_use"}',
      ),
    );
    expect(got.error).toMatchObject({ code: 'provider_error' });
    const quoted = await heard(json(answer([{ text: '1e99999999 and "2E99999" \\' }])));
    expect(quoted.choices.get(0)?.text).toBe('1e99999999 and "2E99999" \\');
  });

  it.each(['malformed_model_output', 'malformed_tool_use'])('is an error when it stops for %s', async (reason) => {
    expect((await heard(json(answer([{ text: 'a' }], reason)))).error).toMatchObject({ code: 'provider_error' });
  });

  it.each([
    ['another object', '{"hello":1}'],
    ['nothing', ''],
    ['a cut body', '{"output":{"message":{"content":[{"text":"Hel'],
    ['no object', '[1,2]'],
    ['a page', '<html>busy</html>'],
  ])('is an error where %s comes instead', async (_, body) => {
    const { error } = await heard(raw(body));
    expect(error).toMatchObject({ code: 'provider_error', details: { upstreamRequestId: 'req-1' } });
  });
});

const LLAMA = { generation: ' a time.', prompt_token_count: 3, generation_token_count: 4, stop_reason: 'stop' };
const mistralJob = invokeJob({
  family: 'mixtral',
  stream: false,
  sampling: { temperature: 2, topP: 0.9, topK: 40 },
  stop: ['</s>', ''],
});

async function invoked(job: Parameters<typeof run>[1], response: Response) {
  const { fetch, sent } = upstream(() => response);
  return { got: await run(bedrock(fetch), job), sent };
}

describe('InvokeModel', () => {
  it('asks Llama with its own names, and always with a limit, since its default cuts at 512 tokens', async () => {
    const { sent } = await invoked(
      invokeJob({ stream: false, sampling: { temperature: 1.5, topP: 0.9 } }),
      json(LLAMA),
    );
    expect(sent[0]?.body).toEqual({ prompt: 'Once upon', temperature: 1, top_p: 0.9, max_gen_len: 2048 });
    expect(sent[0]?.headers.get('content-type')).toBe('application/json');
    const limited = await invoked(invokeJob({ stream: false, maxTokens: 16, family: 'code-llama' }), json(LLAMA));
    expect(limited.sent[0]?.body).toEqual({ prompt: 'Once upon', max_gen_len: 16 });
  });

  it('asks Mistral with its own, and counts by the headers, since the body does not', async () => {
    const { got, sent } = await invoked(
      mistralJob,
      json({ outputs: [{ text: ' a time.', stop_reason: 'length' }] }, 200, {
        'x-amzn-bedrock-input-token-count': '3',
        'x-amzn-bedrock-output-token-count': '4',
      }),
    );
    expect(sent[0]?.body).toEqual({ prompt: 'Once upon', stop: ['</s>'], temperature: 1, top_p: 0.9, top_k: 40 });
    expect(got.choices.get(0)).toMatchObject({ text: ' a time.', finish: 'length' });
    expect(got.usage).toMatchObject({ input: 3, output: 4 });
  });

  it.each([
    ['model_length', 'length'],
    ['max_tokens', 'length'],
    ['stop', 'stop'],
    ['something new', 'stop'],
  ] as const)('ends for the reason that it names: %s', async (stop_reason, reason) => {
    const { got } = await invoked(mistralJob, json({ outputs: [{ text: 'a', stop_reason }] }));
    expect(got.choices.get(0)).toMatchObject({ finish: reason, native: stop_reason });
  });

  it('knows no usage where nobody counts', async () => {
    const { got } = await invoked(mistralJob, json({ outputs: [{ text: 'a', stop_reason: 'stop' }] }));
    expect(got).toMatchObject({ error: undefined, usage: undefined });
  });

  it('is refused for other families before anything is sent', async () => {
    const { got, sent } = await invoked(invokeJob({ family: 'qwen3' }), json({}));
    expect(got.error).toMatchObject({ code: 'unsupported_parameter' });
    expect(sent).toHaveLength(0);
  });

  it.each(['{"outputs":[]}', '{"hello":1}', '[]', 'null', '', '<html>'])(
    'is an error where the body is no answer: %s',
    async (body) => {
      expect((await invoked(invokeJob({ stream: false }), raw(body))).got.error).toMatchObject({
        code: 'provider_error',
      });
    },
  );
});

describe('InvokeModel streamed', () => {
  const metrics = { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 3, outputTokenCount: 4 } };
  const llama = (generation: string, more: Record<string, unknown> = {}) =>
    invokeChunk({ generation, prompt_token_count: null, generation_token_count: 1, stop_reason: null, ...more });

  it('gives the text of every chunk, also of the last', async () => {
    const { got } = await invoked(
      invokeJob(),
      streamOf(llama(' a', { prompt_token_count: 3 }), llama(' time', { stop_reason: 'length', ...metrics })),
    );
    expect(got.choices.get(0)).toMatchObject({ text: ' a time', finish: 'length', native: 'length' });
    expect(got.usage).toMatchObject({ input: 3, output: 4 });
  });

  it('counts by the chunks where the metrics are missing', async () => {
    const { got } = await invoked(
      invokeJob(),
      streamOf(llama(' a', { prompt_token_count: 3 }), llama('', { generation_token_count: 9, stop_reason: 'stop' })),
    );
    expect(got.usage).toMatchObject({ input: 3, output: 9 });
  });

  it('speaks Mistral', async () => {
    const chunk = (said: string, stop_reason: string | null, more = {}) =>
      invokeChunk({ outputs: [{ text: said, stop_reason }], ...more });
    const { got } = await invoked(
      invokeJob({ family: 'mistral' }),
      streamOf(chunk(' a', null), chunk(' time', null), chunk('', 'stop', metrics)),
    );
    expect(got.choices.get(0)).toMatchObject({ text: ' a time', finish: 'stop' });
    expect(got.usage).toMatchObject({ input: 3, output: 4 });
  });

  it.each([
    ['no reason to stop', [llama(' a')]],
    ['an unreadable chunk', [llama(' a'), invokeChunk('{"gener')]],
  ])('is interrupted with %s', async (_, frames) => {
    const { got } = await invoked(invokeJob(), streamOf(...frames));
    expect(got.choices.get(0)).toMatchObject({ text: ' a', finish: undefined });
    expect(got.error).toMatchObject({ code: 'stream_interrupted' });
  });
});
