import { configureReplicate } from '../../providers/replicate/index.ts';
import type { Background, Event, Fetch, PromptJob, Provider } from '../../src/core/index.ts';

export const TOKEN = 'r8_0123456789abcdefghij';
export const BASE = 'https://replicate.test/v1';
export const STREAM_URL = 'https://stream.elsewhere.test/v1/streams/abc?sig=1';
export const ID = 'pred0abc';

export interface SeenCall {
  readonly route: 'create' | 'get' | 'cancel' | 'stream' | 'other';
  readonly url: string;
  readonly headers: Headers;
  readonly body: Record<string, unknown> | undefined;
  readonly redirect: string | undefined;
}

type Answer = (signal: AbortSignal | undefined) => Response | Promise<Response>;

/** What the upstream answers, route by route. The last answer of a list repeats. */
export interface Script {
  readonly create?: Answer;
  readonly stream?: Answer;
  readonly get?: readonly Answer[];
  readonly cancel?: Answer;
}

export const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Answer => {
  return () =>
    new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } });
};

/** A prediction object as Replicate sends it. */
export const prediction = (status: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: ID,
  model: 'meta/llama-2-70b-chat',
  version: 'hidden',
  input: {},
  logs: '',
  error: null,
  status,
  data_removed: false,
  urls: {
    get: 'https://replicate.test/evil/get',
    cancel: 'https://replicate.test/evil/cancel',
    stream: STREAM_URL,
  },
  ...more,
});

export const sse =
  (text: string): Answer =>
  () =>
    new Response(text, { headers: { 'content-type': 'text/event-stream' } });

/** A stream that says this and then nothing, until its request is aborted. */
export const stalled =
  (text: string): Answer =>
  () =>
    new Response(
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(text));
        },
      }),
    );

/** Answers nothing until its signal aborts. */
export const hung: Answer = (signal) =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

export const dropped: Answer = () => Promise.reject(new TypeError('connection reset by 10.0.0.1'));

function routeOf(method: string, url: string): SeenCall['route'] {
  if (url === STREAM_URL) return 'stream';
  const path = url.startsWith(BASE) ? url.slice(BASE.length) : undefined;
  if (path === undefined) return 'other';
  if (method === 'POST' && (path === '/predictions' || /^\/models\/[^/]+\/[^/]+\/predictions$/.test(path)))
    return 'create';
  if (method === 'POST' && /^\/predictions\/[^/]+\/cancel$/.test(path)) return 'cancel';
  if (method === 'GET' && /^\/predictions\/[^/]+$/.test(path)) return 'get';
  return 'other';
}

/** Replicate as the script has it, and a record of every request that reached it. */
export function upstream(script: Script) {
  const calls: SeenCall[] = [];
  const gets = [...(script.get ?? [])];
  const fetch: Fetch = async (input, init) => {
    const url = String(input instanceof Request ? input.url : input);
    const route = routeOf(init?.method ?? 'GET', url);
    const body = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined;
    calls.push({ route, url, headers: new Headers(init?.headers), body, redirect: init?.redirect });
    const answer =
      route === 'get'
        ? gets.length > 1
          ? gets.shift()
          : gets[0]
        : route === 'cancel'
          ? (script.cancel ?? json(prediction('canceled')))
          : route === 'other'
            ? undefined
            : script[route];
    if (!answer) throw new Error(`the script has no answer for ${route} ${url}`);
    return answer(init?.signal ?? undefined);
  };
  return { fetch, calls, count: (route: SeenCall['route']) => calls.filter((call) => call.route === route).length };
}

export function provider(fetch: Fetch, env: Record<string, string> = {}, background?: Background): Provider {
  const { providers, mistakes } = configureReplicate(
    { REPLICATE_API_TOKEN: TOKEN, REPLICATE_BASE_URL: BASE, ...env },
    fetch,
    undefined,
    background,
  );
  const [only] = providers;
  if (!only) throw new Error(`not configured: ${mistakes.join(' ')}`);
  return only;
}

export const job = (more: Partial<PromptJob> = {}): PromptJob => ({
  kind: 'prompt',
  api: 'predictions',
  model: 'meta/llama-2-70b-chat',
  family: 'llama-2',
  prompt: '<s>[INST] Tell me a joke. [/INST]',
  sampling: {},
  maxTokens: 500,
  stop: [],
  n: 1,
  stream: true,
  deadlineMs: 60_000,
  ...more,
});

export interface Outcome {
  readonly batches: Event[][];
  readonly text: string;
  readonly finish: Extract<Event, { type: 'finish' }> | undefined;
  readonly usage: Extract<Event, { type: 'usage' }> | undefined;
  readonly error: unknown;
}

/** Runs a job to its end, whatever the end. */
export async function run(
  fetch: Fetch,
  work: PromptJob = job(),
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome> {
  const batches: Event[][] = [];
  let error: unknown;
  try {
    const generation = await provider(fetch).generate(work, signal);
    for await (const batch of generation.events) batches.push(batch);
  } catch (thrown) {
    error = thrown;
  }
  const events = batches.flat();
  return {
    batches,
    text: events.map((event) => (event.type === 'text' ? event.text : '')).join(''),
    finish: events.find((event) => event.type === 'finish'),
    usage: events.find((event) => event.type === 'usage'),
    error,
  };
}
