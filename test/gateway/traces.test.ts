import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeWithPython } from '../python/environment.ts';
import { eventually } from '../sandbox/support.ts';
import { type ReadSpan, readSpans, startCollector, type TestCollector } from '../support/collector.ts';
import { KEY, type Stack, sandboxEnv, startStack } from '../support/gateway.ts';
import { readStream } from '../support/sse.ts';

const PROMPT_CANARY = 'canary-prompt-of-a-caller';
const HEADER_CANARY = 'Basic bGFuZ2Z1c2U6Y2FuYXJ5LTEyMzQ1Njc4';

let collector: TestCollector;
let stack: Stack;
beforeAll(async () => {
  collector = await startCollector();
  stack = await startStack((sandbox) => ({
    ...sandboxEnv(sandbox),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(HEADER_CANARY)},x-dataset=chasqui`,
    OTEL_SERVICE_NAME: 'gateway-of-tests',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=other',
  }));
});
afterAll(async () => {
  await stack.stop();
  collector.stop();
});
afterEach(async () => {
  await stack.reset();
  collector.answer = (response) => response.end('{}');
});

const chat = (model: string, more: Record<string, unknown> = {}) => ({
  model,
  messages: [{ role: 'user', content: `Count to five. ${PROMPT_CANARY}` }],
  max_tokens: 20,
  ...more,
});

const traceparent = (flags = '01') => {
  const [traceId, parentId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, parentId, traceparent: `00-${traceId}-${parentId}-${flags}` };
};

interface Attempt {
  readonly [name: string]: string | number | boolean | null;
}

async function receiptOf(id: string) {
  const answer = await stack.get(`/v1/generations/${id}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as { cost: string; attempts: Attempt[] } & Readonly<Record<string, unknown>>;
}

/** What a span says of an attempt, in the words of `GET /v1/generations`. */
function asReceipt({ attributes: said, startMs, endMs }: ReadSpan) {
  const ttft = said['gen_ai.response.time_to_first_chunk'];
  return {
    attempt: said['chasqui.attempt'],
    model: said['chasqui.model'],
    provider: said['chasqui.provider'],
    service: said['chasqui.service'] ?? null,
    provider_model: said['gen_ai.request.model'],
    api: said['chasqui.api'],
    upstream_requests: said['chasqui.upstream_requests'],
    started_at: new Date(startMs).toISOString(),
    outcome: said['error.type'] ?? 'ok',
    status: said['http.response.status_code'] ?? null,
    prompt_tokens: said['gen_ai.usage.input_tokens'] ?? null,
    cached_tokens: said['gen_ai.usage.cache_read.input_tokens'] ?? null,
    completion_tokens: said['gen_ai.usage.output_tokens'] ?? null,
    reasoning_tokens: said['gen_ai.usage.reasoning.output_tokens'] ?? null,
    tokens_from: said['chasqui.tokens_from'] ?? null,
    cost: said['chasqui.cost'] ?? null,
    billing: said['chasqui.billing'],
    price: said['chasqui.price'] ?? null,
    ttft_ms: ttft === undefined ? null : Math.round(Number(ttft) * 1000),
    latency_ms: endMs - startMs,
    canceled: said['chasqui.canceled'] ?? false,
    resumed: said['chasqui.resumed'] ?? false,
    undelivered: said['chasqui.undelivered'] ?? false,
    overrun: said['chasqui.overrun'] ?? false,
    provider_request_id: said['chasqui.provider_request_id'] ?? null,
  };
}

/** Spans that belong together: the request's, and its attempts' below it. */
function family(spans: readonly ReadSpan[]) {
  const servers = spans.filter(({ kind }) => kind === 2);
  const clients = spans.filter(({ kind }) => kind === 3);
  expect(servers).toHaveLength(1);
  expect(clients.length).toBe(spans.length - 1);
  const [server] = servers as [ReadSpan];
  for (const client of clients) {
    expect(client.parentId).toBe(server.spanId);
    expect(client.traceId).toBe(server.traceId);
    expect(client.startMs).toBeGreaterThanOrEqual(server.startMs);
  }
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  return { server, clients };
}

describeWithPython('spans as opentelemetry-proto reads them', 'requirements', (python) => {
  async function spansOf(count = 1) {
    const received = await collector.take(count);
    for (const { path, headers, body } of received) {
      expect(path).toBe('/v1/traces');
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        authorization: HEADER_CANARY,
        'x-dataset': 'chasqui',
      });
      for (const secret of [PROMPT_CANARY, HEADER_CANARY, KEY, ...Object.values(sandboxEnv(stack.sandbox))]) {
        // The region is no secret, and is part of models' ids.
        if (secret !== 'us-east-1') expect(body).not.toContain(secret);
      }
    }
    const spans = readSpans(python, received);
    for (const { resource } of spans) {
      expect(resource).toEqual({ 'service.name': 'gateway-of-tests', 'deployment.environment.name': 'test' });
    }
    return spans;
  }

  it('a stream that failed over holds what the receipt holds', async () => {
    await stack.dial({ provider: 'together', fault: { kind: 'status', status: 503 } });
    const { traceId, parentId, traceparent: header } = traceparent();
    const body = chat('llama-3.3-70b-instruct', {
      stream: true,
      stream_options: { include_usage: true },
      provider: { order: ['together', 'bedrock'] },
    });
    const answer = await stack.post('/v1/chat/completions', body, { traceparent: header, tracestate: 'vendor=1' });
    const { done, text } = readStream(await answer.text());
    expect(done).toBe(true);
    const id = answer.headers.get('x-chasqui-generation-id') ?? '';
    const { server, clients } = family(await spansOf());
    expect(server).toMatchObject({
      traceId,
      parentId,
      state: 'vendor=1',
      name: 'POST /v1/chat/completions',
      failed: false,
      attributes: {
        'http.response.status_code': 200,
        'chasqui.generation.id': id,
        'chasqui.account': 'main',
        'chasqui.key': 'admin',
        'chasqui.streamed': true,
        'chasqui.attempts': clients.length,
      },
    });
    expect(answer.headers.get('traceresponse')).toBe(`00-${traceId}-${server.spanId}-01`);
    const receipt = await receiptOf(id);
    expect(receipt.attempts.length).toBeGreaterThan(1);
    expect(server.attributes['chasqui.cost']).toBe(receipt.cost);
    const kept = receipt.attempts.map(({ finish_reason: _finish, expired: _expired, ...rest }) => rest);
    expect(clients.map(asReceipt)).toEqual(kept);
    for (const { endMs } of clients) expect(endMs).toBeLessThanOrEqual(server.endMs);
    const last = clients.at(-1);
    expect(last).toMatchObject({
      name: `chat ${receipt.attempts.at(-1)?.provider_model}`,
      failed: false,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'aws.bedrock',
        'gen_ai.response.finish_reasons': [receipt.attempts.at(-1)?.finish_reason],
        'gen_ai.usage.cost': Number(receipt.cost),
      },
    });
    const first = clients[0];
    expect(first?.failed).toBe(true);
    expect(first?.attributes).toMatchObject({ 'error.type': 'provider_overloaded', 'http.response.status_code': 503 });
    expect(JSON.stringify([server, ...clients])).not.toContain(text[0]?.trim().slice(0, 24));
  });

  it('a vote has a span for each sample, embeddings have one', async () => {
    const vote = await stack.post('/v1/chat/completions', chat('together/gpt-oss-120b', { vote: { samples: 3 } }));
    expect(vote.status).toBe(200);
    await vote.text();
    const voted = family(await spansOf());
    const receipt = await receiptOf(vote.headers.get('x-chasqui-generation-id') ?? '');
    expect(voted.clients).toHaveLength(receipt.attempts.length);
    expect(voted.server.attributes['chasqui.cost']).toBe(receipt.cost);
    const made = await stack.post('/v1/embeddings', {
      model: 'bedrock/amazon.titan-embed-text-v2:0',
      input: PROMPT_CANARY,
    });
    expect(made.status, await made.text()).toBe(200);
    const { server, clients } = family(await spansOf());
    expect(server.name).toBe('POST /v1/embeddings');
    expect(clients).toMatchObject([{ attributes: { 'gen_ai.operation.name': 'embeddings' } }]);
  });

  it('a rendered prompt is a text completion, and a completion is one', async () => {
    const answer = await stack.post('/v1/completions', {
      model: 'replicate/llama-3-8b-instruct',
      prompt: PROMPT_CANARY,
      max_tokens: 5,
    });
    expect(answer.status).toBe(200);
    const { clients } = family(await spansOf());
    expect(clients).toMatchObject([{ attributes: { 'gen_ai.operation.name': 'text_completion' } }]);
  });

  it('a caller who leaves: canceled, and no failure', async () => {
    await stack.dial({ provider: 'together', fault: { kind: 'drip', ms: 400 } });
    const leaving = new AbortController();
    const answer = await fetch(`${stack.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(chat('together/gpt-oss-120b', { stream: true, max_tokens: 200 })),
      signal: leaving.signal,
    });
    await answer.body?.getReader().read();
    leaving.abort();
    const { server, clients } = family(await spansOf());
    expect(server).toMatchObject({ failed: false, attributes: { 'error.type': 'canceled' } });
    expect(clients).toMatchObject([
      {
        failed: false,
        attributes: {
          'error.type': 'canceled',
          'chasqui.canceled': true,
          'gen_ai.response.finish_reasons': ['error'],
        },
      },
    ]);
  });

  it.each<[string, string, unknown, Record<string, string>, number, string]>([
    [
      'a wrong key',
      '/v1/chat/completions',
      chat('gpt-oss-120b'),
      { authorization: 'Bearer no' },
      401,
      'authentication',
    ],
    ['broken JSON', '/v1/messages', '{', {}, 400, 'invalid_request'],
    ['an unknown model', '/v1/responses', { model: 'none-such', input: PROMPT_CANARY }, {}, 404, 'model_not_found'],
  ])('%s: one span without attempts', async (_what, path, body, headers, status, outcome) => {
    const answer = await stack.post(path, body, headers);
    expect(answer.status).toBe(status);
    await answer.text();
    const { server, clients } = family(await spansOf());
    expect(clients).toEqual([]);
    expect(server).toMatchObject({
      name: `POST ${path}`,
      failed: false,
      parentId: '',
      attributes: { 'http.response.status_code': status, 'error.type': outcome },
    });
  });

  it('a key without money, and a call that no provider serves', async () => {
    const made = await stack.post('/v1/keys', {
      name: 'poor',
      account: 'traced',
      budget: { limit: '0.000000001', period: 'total' },
    });
    const { key } = (await made.json()) as { key: string };
    const poor = await stack.post('/v1/chat/completions', chat('gpt-oss-120b'), { authorization: `Bearer ${key}` });
    expect(poor.status).toBe(402);
    const refused = family(await spansOf());
    expect(refused.clients).toEqual([]);
    expect(JSON.stringify(refused)).not.toContain(key.slice(-20));
    expect(refused.server.attributes).toMatchObject({
      'error.type': 'insufficient_budget',
      'chasqui.account': 'traced',
      'chasqui.cost': '0',
    });
    await stack.dial({ provider: 'together', times: 50, fault: { kind: 'status', status: 500 } });
    const failed = await stack.post('/v1/chat/completions', chat('together/gpt-oss-120b'));
    expect(failed.status).toBeGreaterThanOrEqual(500);
    const { server, clients } = family(await spansOf());
    expect(server.failed).toBe(true);
    expect(clients.length).toBeGreaterThan(0);
    for (const client of clients) expect(client.failed).toBe(true);
  });
});

describe('a collector that fails', () => {
  const ask = async () => {
    const answer = await stack.post('/v1/chat/completions', chat('together/gpt-oss-120b'));
    expect(answer.status).toBe(200);
    await answer.text();
  };

  it('costs callers nothing, and the log says so once', async () => {
    collector.answer = (response) => response.writeHead(500).end('canary-of-the-collector');
    await ask();
    await collector.take(1);
    await eventually(async () => /Traces: /.exec(stack.logs()) ?? undefined);
    collector.answer = (response) => response.end('{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}');
    await ask();
    await collector.take(1);
    collector.answer = undefined;
    await ask();
    await ask();
    // Both were answered, and the collector has answered neither.
    expect(await collector.take(2)).toHaveLength(2);
    expect(stack.logs().match(/Traces: .*/g)).toEqual([
      'Traces: 2 spans are lost, because the collector (OTEL_EXPORTER_OTLP_ENDPOINT) answered 500.',
    ]);
    expect(stack.logs()).not.toContain('canary');
  });

  it('is not asked about other routes, nor about what the caller does not record', async () => {
    const { traceparent: unsampled, traceId } = traceparent('00');
    const answer = await stack.post('/v1/chat/completions', chat('together/gpt-oss-120b'), { traceparent: unsampled });
    await answer.text();
    expect(answer.headers.get('traceresponse')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    expect((await stack.get('/v1/models')).headers.has('traceresponse')).toBe(false);
    await ask();
    // Of the three requests only the last.
    const received = await collector.take(1);
    expect(received).toHaveLength(1);
    expect(received[0]?.body).not.toContain(traceId);
  });
});

describe('what providers are told', () => {
  /** A provider that answers all with an error and keeps the headers. */
  async function provider() {
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      if (request.method === 'POST') seen.push(request.headers);
      request.resume().on('end', () => response.writeHead(400).end('{"detail":"no"}'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const stop = () => {
      server.closeAllConnections();
      server.close();
    };
    return { url, seen, stop };
  }

  const CALLS = [
    ['/v1/chat/completions', chat('together/gpt-oss-120b')],
    ['/v1/chat/completions', chat('bedrock/llama-3-8b-instruct')],
    ['/v1/chat/completions', chat('replicate/llama-3-8b-instruct')],
    ['/v1/chat/completions', chat('anyscale/llama-3-8b-instruct')],
    ['/v1/embeddings', { model: 'bedrock/amazon.titan-embed-text-v2:0', input: 'Hi' }],
  ] as const;

  it.each([
    ['nothing unless asked', { collects: true, asked: '0' }],
    ['the attempt that asks them, with a collector', { collects: true, asked: '1' }],
    ['what the caller says, without one', { collects: false, asked: '1' }],
  ])('%s', async (_what, { collects, asked }) => {
    const { url, seen, stop } = await provider();
    const gateway = await startStack((sandbox) => ({
      ...sandboxEnv(sandbox),
      TOGETHER_BASE_URL: `${url}/v1`,
      REPLICATE_BASE_URL: `${url}/v1`,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url,
      ANYSCALE_SERVICES: sandboxEnv(url).ANYSCALE_SERVICES ?? '',
      CHASQUI_TRACE_PROVIDERS: asked,
      ...(collects ? { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/own` } : {}),
    }));
    try {
      for (const [path, body] of CALLS) {
        seen.length = 0;
        collector.received.length = 0;
        const { traceparent: sent, traceId } = traceparent();
        const answer = await gateway.post(path, body, { traceparent: sent, tracestate: 'vendor=1' });
        expect(answer.status).toBeGreaterThanOrEqual(400);
        await answer.text();
        expect(seen.length).toBeGreaterThan(0);
        const told = seen.map((headers) => headers.traceparent);
        if (asked === '0') expect(told).toEqual(told.map(() => undefined));
        else if (!collects) expect(told).toEqual(told.map(() => sent));
        else {
          const [received] = await collector.take(1);
          expect(received?.path).toBe('/own');
          const ids = [...(received?.body ?? '').matchAll(/"spanId":"([0-9a-f]{16})"/g)].map(([, id]) => id);
          expect(told).toEqual(ids.slice(1).map((id) => `00-${traceId}-${id}-01`));
          expect(seen.map(({ tracestate }) => tracestate)).toEqual(told.map(() => 'vendor=1'));
        }
        expect(answer.headers.has('traceresponse')).toBe(collects);
      }
    } finally {
      await gateway.stop();
      stop();
    }
  });
});
