import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import type { MessageHeaders } from '@smithy/core/event-streams';
import { FetchHttpHandler } from '@smithy/fetch-http-handler';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameDecoder } from '../../providers/bedrock/event-stream.ts';
import { isObject, type Job } from '../../src/core/index.ts';
import { bedrock, converseJob, ENV, invokeJob, json, run } from './support/bedrock.ts';
import { codec, joined } from './support/bedrock-frames.ts';

/** AWS's official client is the oracle here: what it sends we send, and what it reads we read. */

const ANSWER = { output: { message: { role: 'assistant', content: [{ text: 'ok' }] } }, stopReason: 'end_turn' };

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

/** An upstream that gives one answer and tells what it was sent. */
function capture(answer: unknown = ANSWER) {
  const sent: Sent[] = [];
  const fetch = async (input: Request | string | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const { method, url, headers } = request;
    sent.push({ method, url, headers, body: await request.text() });
    return typeof answer === 'string'
      ? new Response(answer, { headers: { 'content-type': 'application/json' } })
      : json(answer);
  };
  return { fetch, sent };
}

function sdkClient(env: Record<string, string>, fetch: ReturnType<typeof capture>['fetch']): BedrockRuntimeClient {
  const { AWS_REGION: region, AWS_ENDPOINT_URL_BEDROCK_RUNTIME: endpoint, AWS_BEARER_TOKEN_BEDROCK: token } = env;
  return new BedrockRuntimeClient({
    region: region ?? '',
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: new FetchHttpHandler({ customFetch: fetch }),
    maxAttempts: 1,
    ...(token === undefined
      ? {
          credentials: {
            accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
            secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
            ...(env.AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: env.AWS_SESSION_TOKEN }),
          },
        }
      : { token: { token }, authSchemePreference: ['httpBearerAuth'] }),
  });
}

/** JSON of a request as the SDK takes it: it wants an image's bytes, and writes them as base64 itself. */
function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBytes);
  if (!isObject(value)) return value;
  const { bytes } = value;
  if (typeof bytes === 'string') return { bytes: Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)) };
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withBytes(member)]));
}

async function bySdk(job: Job, body: string, env: Record<string, string>): Promise<Sent> {
  // The client takes memory for what the first bytes of a stream say, whatever they are: its stream is empty.
  const { fetch, sent } = capture(job.stream ? '' : ANSWER);
  const client = sdkClient(env, fetch);
  const raw = { modelId: job.model, contentType: 'application/json', accept: 'application/json', body };
  const chat = () => ({ ...Object(withBytes(JSON.parse(body))), modelId: job.model });
  if (job.kind === 'chat' && job.stream) await client.send(new ConverseStreamCommand(chat())).catch(() => undefined);
  else if (job.kind === 'chat') await client.send(new ConverseCommand(chat()));
  else if (job.stream) await client.send(new InvokeModelWithResponseStreamCommand(raw)).catch(() => undefined);
  else await client.send(new InvokeModelCommand(raw));
  const [only] = sent;
  if (!only || sent.length !== 1) throw new Error(`${sent.length} requests of the SDK`);
  return only;
}

async function byUs(job: Job, env: Record<string, string>): Promise<Sent> {
  const { fetch, sent } = capture();
  await run(bedrock(fetch, env), job);
  const [only] = sent;
  if (!only || sent.length !== 1) throw new Error(`${sent.length} requests of ours`);
  return only;
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('Hi', ' ', '', '\u2028 "\\"\u0000', '🦙 ñandú', '\ud800'),
);
const image = fc
  .record({ type: fc.constantFrom('png', 'jpeg', 'webp'), bytes: fc.base64String({ minLength: 4, maxLength: 40 }) })
  .map(({ type, bytes }) => ({ type: 'image' as const, url: `data:image/${type};base64,${bytes}` }));
const parts = fc.array(
  fc.oneof(
    text.map((said) => ({ type: 'text' as const, text: said })),
    image,
  ),
  { maxLength: 3 },
);
const name = fc.constantFrom('weather', 'my.tool', 'two words', 'ñ', 'x'.repeat(70));
const document = fc.dictionary(fc.constantFrom('a', 'b', 'type', '__proto__', 'ü'), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 3,
  noNullPrototype: true,
});
const call = fc.record({
  id: fc.constantFrom('call_0', 'call_1', 'an id that is none'),
  name,
  arguments: fc.oneof(
    document.map((value) => JSON.stringify(value)),
    fc.constantFrom('', 'no JSON', '[1]'),
  ),
});
const message = fc.oneof(
  fc.record({ role: fc.constant('system' as const), content: text }),
  fc.record({ role: fc.constant('user' as const), content: fc.oneof(text, parts) }),
  fc.record({ role: fc.constant('assistant' as const), content: text, toolCalls: fc.array(call, { maxLength: 2 }) }),
  fc.record({
    role: fc.constant('tool' as const),
    content: fc.oneof(text, parts),
    toolCallId: fc.constantFrom('call_0', 'call_1'),
  }),
);
const tool = fc.record(
  { name, description: text, parameters: document, strict: fc.boolean() },
  { requiredKeys: ['name'] },
);
const sampling = fc.record(
  {
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    topP: fc.double({ min: 0, max: 1, noNaN: true }),
    topK: fc.nat(),
  },
  { requiredKeys: [] },
);
const schema = fc.constant({ type: 'object', properties: { a: { type: 'string', maxLength: 3 } } });
const model = fc.oneof(
  fc.constantFrom(
    'us.meta.llama3-3-70b-instruct-v1:0',
    'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc',
    "it's (a) *model*!/~",
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((id) => id.isWellFormed() && id.trim() !== ''),
);
const limits = {
  model,
  sampling,
  maxTokens: fc.integer({ min: 1, max: 9999 }),
  stop: fc.array(text, { maxLength: 2 }),
  stream: fc.boolean(),
};
const chatJob = fc
  .record(
    {
      ...limits,
      family: fc.constantFrom('llama-3.3', 'mistral-3', 'qwen3'),
      messages: fc.array(message, { maxLength: 6 }),
      tools: fc.array(tool, { maxLength: 2 }),
      toolChoice: fc.oneof(
        fc.constantFrom('auto' as const, 'none' as const, 'required' as const),
        name.map((one) => ({ name: one })),
      ),
      responseFormat: fc.oneof(
        fc.constant({ type: 'json_object' as const }),
        fc.record({ type: fc.constant('json_schema' as const), name: fc.constant('thing'), schema, description: text }),
      ),
      systemRole: fc.boolean(),
      structured: fc.boolean(),
    },
    { requiredKeys: ['model', 'messages', 'stream'] },
  )
  .map((over) => converseJob(over));
const promptJob = fc
  .record(
    { ...limits, family: fc.constantFrom('llama-3.3', 'mistral-3'), prompt: text },
    { requiredKeys: ['model', 'prompt', 'stream'] },
  )
  .map((over) => invokeJob(over));

const env = fc.constantFrom<Record<string, string>>(
  ENV,
  { ...ENV, AWS_SESSION_TOKEN: 'temporary/+==' },
  { AWS_REGION: 'us-gov-west-1', AWS_BEARER_TOKEN_BEDROCK: 'ABSKQmVkcm9jaw==' },
  { ...ENV, AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.0.0.1:9000/bedrock' },
  { ...ENV, AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://proxy.test' },
);

describe('a request', () => {
  it('is the one that the official client sends: method, address, headers and every byte of the body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(chatJob, promptJob), env, async (job, given) => {
        const ours = await byUs(job, given);
        const theirs = await bySdk(job, ours.body, given);
        expect(ours.body).toBe(theirs.body);
        expect({ method: ours.method, url: ours.url }).toEqual({ method: theirs.method, url: theirs.url });
        for (const header of ['content-type', 'x-amzn-bedrock-accept', 'x-amz-security-token']) {
          expect([header, ours.headers.get(header)]).toEqual([header, theirs.headers.get(header)]);
        }
        if (job.kind === 'prompt' && !job.stream) expect(ours.headers.get('accept')).toBe('application/json');
        const bearer = given.AWS_BEARER_TOKEN_BEDROCK;
        if (bearer) expect(ours.headers.get('authorization')).toBe(theirs.headers.get('authorization'));
        // Signatures are compared in bedrock-signer.test.ts: the client signs headers of its own as well.
        else expect(ours.headers.get('authorization')).toMatch(/^AWS4-HMAC-SHA256 Credential=/);
      }),
      { numRuns: 300 },
    );
  });
});

/** A document of the SDK's, whose numbers beyond a double are `bigint` or a `NumericValue`, as JSON has it. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return Number(value.string);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

describe('an answer', () => {
  // The client expands a number with an exponent to all its digits, and loses a member of the name __proto__.
  const input = document.filter((value) => !/\de[+-]?\d|__proto__/.test(JSON.stringify(value)));
  const block = fc.oneof(
    fc.record({ text }),
    fc.record({ reasoningContent: fc.record({ reasoningText: fc.record({ text }) }) }),
    fc.record({
      toolUse: fc.record({ toolUseId: fc.constantFrom('a', 'b'), name: fc.constant('f'), input }),
    }),
    fc.record({ citationsContent: fc.record({ content: fc.array(fc.record({ text }), { maxLength: 2 }) }) }),
  );
  const answer = fc.record({
    output: fc.record({
      message: fc.record({ role: fc.constant('assistant'), content: fc.array(block, { maxLength: 4 }) }),
    }),
    stopReason: fc.constantFrom('end_turn', 'max_tokens', 'stop_sequence'),
    usage: fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat(), totalTokens: fc.nat() }),
  });

  it('says what the official client reads in it', async () => {
    await fc.assert(
      fc.asyncProperty(answer, async (given) => {
        const { fetch } = capture(given);
        const got = await run(bedrock(fetch), converseJob({ stream: false }));
        const read = await sdkClient(ENV, fetch).send(
          new ConverseCommand({ modelId: 'm', messages: [{ role: 'user', content: [{ text: 'Hi' }] }] }),
        );
        const blocks = read.output?.message?.content ?? [];
        const [choice] = got.choices.values();
        expect(got.error).toBeUndefined();
        expect(choice?.text).toBe(
          blocks
            .map(
              ({ text: said, citationsContent }) =>
                said ?? citationsContent?.content?.map((one) => one.text).join('') ?? '',
            )
            .join(''),
        );
        expect(choice?.reasoning).toBe(blocks.map((one) => one.reasoningContent?.reasoningText?.text ?? '').join(''));
        expect(choice?.toolCalls.map((one) => JSON.parse(one.arguments))).toEqual(
          blocks.flatMap(({ toolUse }) => (toolUse ? [plain(toolUse.input)] : [])),
        );
        expect(choice?.native).toBe(read.stopReason);
        expect(got.usage).toMatchObject({ input: read.usage?.inputTokens, output: read.usage?.outputTokens });
      }),
      { numRuns: 200 },
    );
  });
});

describe('frames', () => {
  const headerValue = fc.oneof(
    fc
      .string({ unit: 'binary', maxLength: 20 })
      .filter((one) => one.isWellFormed())
      .map((value) => ({ type: 'string' as const, value })),
    fc.boolean().map((value) => ({ type: 'boolean' as const, value })),
    fc.integer({ min: -128, max: 127 }).map((value) => ({ type: 'byte' as const, value })),
    fc.integer({ min: -32768, max: 32767 }).map((value) => ({ type: 'short' as const, value })),
    fc.integer().map((value) => ({ type: 'integer' as const, value })),
    fc.uint8Array({ maxLength: 20 }).map((value) => ({ type: 'binary' as const, value })),
    fc
      .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((value) => ({ type: 'timestamp' as const, value })),
    fc.uuid().map((value) => ({ type: 'uuid' as const, value })),
  );
  const special = fc.record(
    {
      ':message-type': fc
        .constantFrom('event', 'exception', 'error', 'ñ')
        .map((value) => ({ type: 'string' as const, value })),
      ':event-type': fc
        .constantFrom('contentBlockDelta', 'metadata')
        .map((value) => ({ type: 'string' as const, value })),
      ':exception-type': fc.constant({ type: 'string' as const, value: 'throttlingException' }),
      ':error-code': fc.constant({ type: 'string' as const, value: 'InternalServerError' }),
      ':error-message': headerValue,
    },
    { requiredKeys: [] },
  );
  const headers = fc
    .tuple(
      special,
      fc.dictionary(fc.string({ minLength: 1, maxLength: 5 }), headerValue, { maxKeys: 3, noNullPrototype: true }),
    )
    .map(([named, others]): MessageHeaders => ({ ...others, ...named }));
  const frame = fc.record({ headers, body: fc.uint8Array({ maxLength: 300 }) });
  const textOf = (all: MessageHeaders, header: string): string => {
    const value = all[header];
    return value?.type === 'string' ? value.value : '';
  };
  const NAMES: Readonly<Record<string, string>> = {
    event: ':event-type',
    exception: ':exception-type',
    error: ':error-code',
  };

  it('are those that the official codec encodes, however the network cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 5 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
        (messages, cuts) => {
          const bytes = joined(messages.map((one) => codec.encode(one)));
          const at = [0, ...cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b), bytes.length];
          const got: unknown[] = [];
          const decoder = frameDecoder((head, payload) => got.push({ ...head, payload: [...payload] }));
          // A read's buffer is used again for the next one.
          for (const [i, end] of at.slice(1).entries()) {
            const buffer = bytes.slice(at[i], end);
            decoder.push(buffer);
            buffer.fill(0);
          }
          decoder.end();
          expect(got).toEqual(
            messages.map((one) => {
              const { headers: all, body } = codec.decode(codec.encode(one));
              const kind = textOf(all, ':message-type');
              return {
                kind,
                type: textOf(all, NAMES[kind] ?? ''),
                message: textOf(all, ':error-message'),
                payload: [...body],
              };
            }),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('that the official codec refuses are refused, whichever bit of them changed, and hand nothing over', () => {
    fc.assert(
      fc.property(frame, fc.nat(), fc.nat(7), (one, where, bit) => {
        const bytes = codec.encode(one).slice();
        const at = where % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        expect(() => codec.decode(bytes)).toThrow();
        let handed = 0;
        const decoder = frameDecoder(() => handed++);
        expect(() => {
          decoder.push(bytes);
          decoder.end();
        }).toThrow();
        expect(handed).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  it('whose prelude is wrong are refused before the rest of them has come', () => {
    const bytes = codec.encode({ headers: {}, body: new Uint8Array(1000) }).slice();
    bytes[9] = (bytes[9] ?? 0) ^ 1;
    expect(() => frameDecoder(() => undefined).push(bytes.subarray(0, 20))).toThrow('prelude');
  });

  it('of many reads are put together in time that grows with their length alone', () => {
    const body = new Uint8Array(4 * 1024 * 1024).fill(7);
    const bytes = codec.encode({ headers: {}, body });
    let size = 0;
    const decoder = frameDecoder((_, payload) => {
      size = payload.length;
    });
    for (let at = 0; at < bytes.length; at += 64) decoder.push(bytes.subarray(at, at + 64));
    decoder.end();
    expect(size).toBe(body.length);
  });
});

describe('the numbers of a tool’s arguments', () => {
  it.each(['1.0', '1e5', '-0', '0.1', '12345678901234567890', '1.10', '5E-324'])(
    'are passed on as they came: %s',
    async (digits) => {
      const body = `{"output":{"message":{"content":[{"toolUse":{"toolUseId":"a","name":"f","input":{"n":[${digits}]}}}]}},"stopReason":"tool_use"}`;
      const got = await run(bedrock(capture(body).fetch), converseJob({ stream: false }));
      expect(got.choices.get(0)?.toolCalls[0]?.arguments).toBe(`{"n":[${digits}]}`);
    },
  );
});
