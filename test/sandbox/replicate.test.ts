import Replicate, { type Prediction } from 'replicate';
import { describe, expect, it } from 'vitest';
import { eventually, KEYS, read, sandbox } from './support.ts';

const LLAMA_2 = 'meta/llama-2-70b-chat';
const PINNED = '02e509c789964a7ea8736978a43525956ef40397be9033abf9fd2badfe68c9e3';
const QUESTION = 'What is the capital of the California?';
const ANSWER = 'The capital of California is Sacramento.';

const box = sandbox();
const client = (auth = KEYS.replicate) =>
  new Replicate({ auth, baseUrl: `${box.url}/replicate/v1`, useFileOutput: false });

/** Through the official endpoint, without the SDK's own ideas about what to send. */
const create = (body: unknown, headers: Record<string, string> = {}, model = LLAMA_2) =>
  fetch(`${box.url}/replicate/v1/models/${model}/predictions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.replicate}`, ...headers },
    body: JSON.stringify(body),
  });

const ended = (id: string) =>
  eventually(async () => {
    const prediction = await client().predictions.get(id);
    return prediction.completed_at ? prediction : undefined;
  });

describe("Replicate's client against the sandbox", () => {
  it('runs an official model, waiting and polling', async () => {
    const input = { prompt: QUESTION };
    expect(((await client().run(LLAMA_2, { input })) as string[]).join('')).toBe(ANSWER);
    expect(((await client().run(LLAMA_2, { input, wait: { mode: 'poll', interval: 5 } })) as string[]).join('')).toBe(
      ANSWER,
    );
  });

  it('runs a pinned version', async () => {
    const output = await client().run(`${LLAMA_2}:${PINNED}`, { input: { prompt: QUESTION } });
    expect((output as string[]).join('')).toBe(ANSWER);
  });

  it('streams', async () => {
    const events = [];
    for await (const event of client().stream(LLAMA_2, { input: { prompt: 'repeat: one\ntwo\n\nthree 🦙' } })) {
      events.push(event);
    }
    const output = events.filter(({ event }) => event === 'output');
    expect(output.map(({ data }) => data).join('')).toBe('one\ntwo\n\nthree 🦙');
    expect(events.at(-1)).toMatchObject({ event: 'done', data: '{}' });
    expect(output[0]?.id).toMatch(/^\d+:0$/);
  });

  it('shows a prediction from its start to its end', async () => {
    const created = await client().predictions.create({ model: LLAMA_2, input: { prompt: QUESTION } });
    expect(created).toMatchObject({ status: 'starting', output: null, model: LLAMA_2 });
    expect(created.metrics).toBeUndefined();
    const done = await ended(created.id);
    expect(done.status).toBe('succeeded');
    expect(done.output.join('')).toBe(ANSWER);
    const { predict_time = 0, total_time = 0, ...counts } = done.metrics ?? {};
    expect(predict_time).toBeGreaterThan(0);
    expect(total_time).toBeGreaterThan(predict_time);
    expect(counts).toEqual({ input_token_count: expect.any(Number), output_token_count: done.output.length - 1 });
  });

  it('cancels, which ends the stream and shows in the journal', async () => {
    await box.dial({ provider: 'replicate', fault: { kind: 'drip', ms: 50 } });
    const created = await client().predictions.create({ model: LLAMA_2, input: { prompt: 'write 500 words' } });
    const stream = fetch(created.urls.stream ?? '').then((answer) => answer.text());
    await eventually(async () => ((await client().predictions.get(created.id)).output?.length ? true : undefined));
    expect((await client().predictions.cancel(created.id)).status).toBe('canceled');
    expect(await stream).toMatch(/event: done\nid: \d+:\d+\ndata: \{"reason": "canceled"\}\n\n$/);
    expect((await box.journal())[0]).toMatchObject({ model: LLAMA_2, canceled: true });
  });

  it('resumes a stream after the last event that was read', async () => {
    const created = await client().predictions.create({ model: LLAMA_2, input: { prompt: 'count to 5' } });
    await ended(created.id);
    const whole = await (await fetch(created.urls.stream ?? '')).text();
    const last = /id: (\d+:4)\n/.exec(whole)?.[1] ?? '';
    const rest = await (await fetch(created.urls.stream ?? '', { headers: { 'last-event-id': last } })).text();
    expect(rest).toBe(`: hi\n\n${whole.slice(whole.indexOf('event: output', whole.indexOf(last)))}`);
  });
});

describe('the prompt that reaches the model', () => {
  const output = async (input: unknown, model = LLAMA_2) => {
    const { output: pieces } = await read<Prediction>(create({ input }, { prefer: 'wait' }, model));
    return pieces.join('');
  };

  it("is wrapped in Replicate's own template and system prompt unless told otherwise", async () => {
    expect(await output({ prompt: 'tell me something' })).toContain('helpful, respectful and honest');
    expect(await output({ prompt: 'tell me something', prompt_template: '{prompt}' })).not.toContain('helpful');
    expect(await output({ prompt: 'tell me something' }, 'meta/llama-2-70b')).not.toContain('helpful');
  });

  it('keeps its braces, while those of a template are a format', async () => {
    expect(await output({ prompt: 'repeat: {"a": {prompt}}', prompt_template: '{prompt}' })).toBe('{"a": {prompt}}');
    const created = await read<Prediction>(create({ input: { prompt: 'x', prompt_template: '{prompt} {oops}' } }));
    expect(await ended(created.id)).toMatchObject({ status: 'failed', error: expect.stringMatching(/^E1004/) });
  });

  it('is cut off at 512 tokens by default, and at 128 by versions of 2023', async () => {
    const input = { prompt: 'write 1000 words' };
    const official = await ended((await client().predictions.create({ model: LLAMA_2, input })).id);
    const pinned = await ended((await client().predictions.create({ version: PINNED, input })).id);
    expect(official.metrics).toMatchObject({ output_token_count: 512 });
    expect(pinned.metrics).toMatchObject({ output_token_count: 128 });
  });

  it('stops at any of the stop sequences, which are one string', async () => {
    expect(await output({ prompt: 'repeat: a; b. c', stop_sequences: '.,;' })).toBe('a');
  });

  it('fails with E1002 where it is too long', async () => {
    const created = await read<Prediction>(create({ input: { prompt: 'word '.repeat(5000) } }));
    expect(await ended(created.id)).toMatchObject({ status: 'failed', error: expect.stringMatching(/^E1002/) });
  });
});

describe('what Replicate refuses', () => {
  const version = `${LLAMA_2}:${PINNED}`;
  const byVersion = (body: unknown) =>
    fetch(`${box.url}/replicate/v1/predictions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEYS.replicate}` },
      body: JSON.stringify(body),
    });

  it.each<[string, () => Promise<Response>, number, RegExp]>([
    ['a wrong token', () => create({ input: {} }, { authorization: 'Bearer x' }), 401, /valid authentication token/],
    ['an unknown model', () => create({ input: { prompt: 'x' } }, {}, 'meta/llama-9'), 404, /could not be found/],
    [
      'an unknown version',
      () => byVersion({ version: 'a'.repeat(64), input: { prompt: 'x' } }),
      422,
      /specified version does not exist/,
    ],
    ['no prompt', () => create({ input: {} }), 422, /prompt is required/],
    ['a stray field', () => create({ input: { prompt: 'x' }, messages: [] }), 422, /messages is not allowed/],
    ['a wrong type', () => create({ input: { prompt: 'x', max_tokens: 'many' } }), 422, /Expected: integer/],
    [
      'a temperature of 0 for a version of 2023',
      () => byVersion({ version, input: { prompt: 'x', temperature: 0 } }),
      422,
      /input.temperature: Must be greater than or equal to 0.01/,
    ],
  ])('%s', async (_, call, status, detail) => {
    const answer = await call();
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ status, detail: expect.stringMatching(detail) });
  });

  it('a temperature of 0 not for the official model', async () => {
    expect((await create({ input: { prompt: 'x', temperature: 0 } })).status).toBe(201);
  });

  it('to go on after the deadline of Cancel-After', async () => {
    await box.dial({ provider: 'replicate', fault: { kind: 'drip', ms: 400 } });
    const created = await read<Prediction>(create({ input: { prompt: 'write 90 words' } }, { 'cancel-after': '1s' }));
    expect((await ended(created.id)).status).toBe('canceled');
  });
});
