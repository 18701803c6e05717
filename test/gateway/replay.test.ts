import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyOf, type Capture, captures, type DeliveryPlan, plansOf } from '../support/captures.ts';
import { KEY } from '../support/gateway.ts';
import { type ReplayServer, replayServer } from '../support/replay-server.ts';
import { assertOpenAi } from '../support/schemas.ts';
import { isStream, SERVER_ANSWERS, type ServerAnswer, textOf, typeOf } from '../support/server-answers.ts';
import { readStream } from '../support/sse.ts';
import { serveWorkers } from '../support/workerd.ts';

/** Which of our codes a sidecar's category may become. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  auth: ['provider_auth'],
  bad_request: ['invalid_request'],
  not_found: ['model_not_found'],
  context_length: ['context_length_exceeded'],
  rate_limit: ['provider_rate_limited'],
  overloaded: ['provider_overloaded'],
  server: ['provider_error', 'provider_unavailable'],
  canceled: ['canceled'],
  timeout: ['timeout', 'stream_interrupted'],
  stream_decode: ['stream_interrupted'],
  bad_upstream_body: ['provider_error'],
};

let server: ReplayServer;
let url: string;
let stop: () => Promise<void>;
beforeAll(async () => {
  server = await replayServer();
  const served = await serveWorkers([
    {
      name: 'gateway',
      config: 'wrangler.toml',
      bindings: {
        CHASQUI_ADMIN_KEY: KEY,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'AKIA0000000000000000',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: server.url,
        TOGETHER_API_KEY: 'key',
        TOGETHER_BASE_URL: `${server.url}/v1`,
        OPENAI_COMPATIBLE_SERVICES: JSON.stringify([
          { id: 'replay', base_url: `${server.url}/v1`, models: { recorded: { upstream: 'recorded' } } },
        ]),
      },
    },
  ]);
  url = served.urls.gateway ?? '';
  stop = async () => served.stop();
});
afterAll(async () => {
  await stop();
  server.stop();
});

/** How to ask the gateway so that this answer is what its provider gives. */
function asking(c: Capture): { path: string; body: Record<string, unknown> } {
  const raw = /invoke/i.test(c.api) || (/completions/.test(c.api) && !/chat/.test(c.api));
  const stream = /stream/i.test(c.api);
  const model = c.id.startsWith('bedrock/') ? 'bedrock/llama-3-8b-instruct' : 'recorded';
  const n = Math.max(1, c.expected.choices?.length ?? 1);
  const common = { model, n, stream, ...(stream ? { stream_options: { include_usage: true } } : {}) };
  return raw
    ? { path: '/v1/completions', body: { ...common, prompt: 'Hi' } }
    : { path: '/v1/chat/completions', body: { ...common, messages: [{ role: 'user', content: 'Hi' }] } };
}

interface Outcome {
  complete: boolean;
  code: string | undefined;
  text: readonly string[];
  finish: readonly (string | undefined)[];
  tools: readonly { name: string; arguments: unknown }[];
  usage: { prompt_tokens: number; completion_tokens: number; exactness?: string } | null | undefined;
  fingerprint?: unknown;
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text || '{}');
  } catch {
    return text;
  }
};

async function ask(c: Capture): Promise<Outcome> {
  const { path, body } = asking(c);
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'x-chasqui-timeout-ms': '60000' },
    body: JSON.stringify(body),
  });
  if (response.status !== 200) {
    const error: unknown = await response.json();
    assertOpenAi('ErrorResponse', error);
    return {
      complete: false,
      code: (error as { error: { code: string } }).error.code,
      text: [],
      finish: [],
      tools: [],
      usage: null,
    };
  }
  if (body.stream) {
    const read = readStream(await response.text());
    if (path.includes('chat')) {
      for (const chunk of read.chunks.filter((one) => !one.error))
        assertOpenAi('CreateChatCompletionStreamResponse', chunk);
    }
    const tools = read.tools.map((tool) => ({ name: tool.name, arguments: parsed(tool.arguments) }));
    return {
      complete: read.done,
      code: read.error?.code,
      text: read.text,
      finish: read.finish,
      tools,
      usage: read.usage,
      fingerprint: read.chunks[0]?.system_fingerprint,
    };
  }
  const answer: unknown = await response.json();
  assertOpenAi(path.includes('chat') ? 'CreateChatCompletionResponse' : 'CreateCompletionResponse', answer);
  const { choices, usage, system_fingerprint } = answer as {
    choices: {
      text?: string;
      message?: { content: string | null; tool_calls?: { function: { name: string; arguments: string } }[] };
      finish_reason: string;
    }[];
    usage: Outcome['usage'];
    system_fingerprint: unknown;
  };
  return {
    complete: true,
    code: undefined,
    text: choices.map((choice) => choice.text ?? choice.message?.content ?? ''),
    finish: choices.map((choice) => choice.finish_reason),
    tools: choices
      .flatMap((choice) => choice.message?.tool_calls ?? [])
      .map((call) => ({ name: call.function.name, arguments: parsed(call.function.arguments) })),
    usage,
    fingerprint: system_fingerprint ?? undefined,
  };
}

/** What the provider counted is what the caller is told; what it did not say is ours, and does not pass for its own. */
function checkUsage(expected: Capture['expected']['usage'], told: Outcome['usage']): void {
  if (typeof expected?.prompt_tokens !== 'number') {
    expect(told?.exactness).toMatch(/^(exact|estimate)$/);
    expect(told?.prompt_tokens).toBeGreaterThan(0);
    // Some servers count their answer alone.
    const answer = expected?.completion_tokens;
    if (typeof answer === 'number') expect(told?.completion_tokens).toBe(answer);
    return;
  }
  const { prompt_tokens, total_tokens } = expected;
  // Some servers count reasoning beside the completion; OpenAI counts it inside, and so do we.
  const completion_tokens = total_tokens - prompt_tokens;
  expect(told).toMatchObject({ prompt_tokens, completion_tokens, total_tokens, exactness: 'provider' });
}

function check(c: Capture, outcome: Outcome, raw: boolean): void {
  const { expected } = c;
  if (expected.outcome === 'ok') {
    if (!outcome.complete && expected.acceptable?.includes('decode-error')) {
      expect(outcome.code).toBeDefined();
      return;
    }
    expect(outcome.complete, JSON.stringify(outcome)).toBe(true);
    for (const choice of expected.choices ?? []) {
      expect(outcome.text[choice.index] ?? '').toBe(choice.text ?? '');
      const finish = choice.finishReason ?? 'stop';
      expect(outcome.finish[choice.index]).toBe(raw && /call/.test(finish) ? 'stop' : finish);
    }
    const tools = (expected.choices ?? []).flatMap((choice) => choice.toolCalls);
    if (!raw) {
      expect(outcome.tools.map((tool) => tool.name)).toEqual(tools.map((tool) => tool.name));
      expect(outcome.tools.map((tool) => tool.arguments)).toEqual(
        tools.map(({ arguments: args }) => (typeof args === 'string' ? parsed(args) : args)),
      );
    }
    const given = /"system_fingerprint": ?"([^"]+)"/.exec(Buffer.from(c.bodyBase64, 'base64').toString('utf8'))?.[1];
    expect(outcome.fingerprint).toBe(given);
    checkUsage(expected.usage, outcome.usage);
    return;
  }
  // Whatever went wrong: it must not look complete.
  expect(outcome.complete, JSON.stringify(outcome)).toBe(false);
  expect(outcome.code).toBeDefined();
  const accepted = CODES[expected.error?.category ?? ''];
  if (accepted) expect(accepted).toContain(outcome.code);
}

/** Enough cuts to meet every kind of place in a body; the rooms' own tests cut it at every byte. */
const MAX_WRITES = 1500;
const affordable = (c: Capture, plan: DeliveryPlan): DeliveryPlan =>
  plan.every ? { ...plan, every: Math.max(plan.every, Math.ceil(bodyOf(c).length / MAX_WRITES)) } : plan;

const cases = ['together/', 'anyscale/', 'odd-streams/', 'odd-errors/', 'bedrock/']
  .flatMap((prefix) => captures(prefix))
  .filter((c) => c.scope === 'core' || c.scope === 'robustness');

describe('recorded traffic through the running Worker', () => {
  it.each(cases.map((c) => [c.id, c] as const))('%s means what it meant', async (_id, c) => {
    for (const plan of plansOf(c)) {
      server.play(c, affordable(c, plan));
      check(c, await ask(c), asking(c).path === '/v1/completions');
    }
  });
});

/** As a recording, which the replay server plays. */
const recorded = (answer: ServerAnswer): Capture => ({
  id: `servers/${answer.server}`,
  provider: 'servers',
  api: isStream(answer) ? 'chat-stream' : 'chat',
  fidelity: 'written',
  scope: 'robustness',
  request: null,
  response: { status: answer.status ?? 200, headers: { 'content-type': typeOf(answer) } },
  expected: { outcome: 'code' in answer.want ? 'error' : 'ok' },
  bodyBase64: Buffer.from(textOf(answer)).toString('base64'),
});

describe('what servers answer, through the running Worker', () => {
  it.each(SERVER_ANSWERS.map((answer) => [answer.server, answer] as const))('%s', async (_server, answer) => {
    const { want } = answer;
    const capture = recorded(answer);
    for (const plan of [{ name: 'whole' }, { name: 'bytes', every: 1 }]) {
      server.play(capture, affordable(capture, plan));
      const outcome = await ask(capture);
      if ('code' in want) {
        // It must not look complete.
        expect(outcome).toMatchObject({ complete: false, code: want.code });
        continue;
      }
      expect(outcome, JSON.stringify(outcome)).toMatchObject({ complete: true, finish: [want.finish] });
      expect(outcome.text[0] ?? '').toBe(want.text ?? '');
      expect(outcome.tools.map((tool) => [tool.name, tool.arguments])).toEqual(want.tools ?? []);
      const [prompt_tokens, completion_tokens] = want.usage ?? [];
      if (prompt_tokens === 'unknown') {
        expect(outcome.usage).toMatchObject({ prompt_tokens: expect.any(Number), completion_tokens });
        expect(outcome.usage?.prompt_tokens).toBeGreaterThan(0);
      } else if (want.usage)
        expect(outcome.usage).toMatchObject({ prompt_tokens, completion_tokens, exactness: 'provider' });
      else expect(outcome.usage?.exactness).toMatch(/^(exact|estimate)$/);
    }
  });
});
