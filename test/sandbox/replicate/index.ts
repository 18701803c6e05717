import type { Fault } from '../control/faults.ts';
import { bearerOf } from '../env.ts';
import { isJson, object, text } from '../json.ts';
import { sleep } from '../wait.ts';
import { SSE_HEADERS } from '../wire/sse.ts';
import { type Answer, type Exchange, json, type Wire } from '../wire/types.ts';
import { checkInput, engineOf } from './engines.ts';
import { refuse, unknownVersion } from './errors.ts';
import { type Model, official, versioned } from './models.ts';
import { byId, byStream, cancel, create, type Prediction, progress } from './predictions.ts';
import { shapeOf } from './shape.ts';
import { framesOf } from './stream.ts';

const CREATE = /^\/v1\/(?:predictions|models\/([\w.-]+\/[\w.-]+)\/predictions)$/;
const ONE = /^\/v1\/predictions\/(\w+)(\/cancel)?$/;
const BODY_FIELDS = new Set(['input', 'version', 'stream', 'webhook', 'webhook_events_filter']);
const LIMITS = { 'ratelimit-remaining': '599', 'ratelimit-reset': '1' };

/** These strike the request that creates a prediction; all others strike the prediction and its stream. */
const OF_THE_REQUEST: readonly Fault['kind'][] = ['status', 'html', 'delay', 'hang'];

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** `Cancel-After: 30s` in ms. */
function limitOf(header: string | null): number | undefined {
  const [, count, unit = ''] = /^(\d+)([smh]?)$/.exec(header ?? '') ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS[unit] ?? 1000);
}

/** `Prefer: wait` and `wait=n`, in ms. */
function waitOf(header: string | null): number {
  const [found, seconds = '60'] = /\bwait(?:=(\d+))?/.exec(header ?? '') ?? [];
  return found === undefined ? 0 : Math.min(60, Number(seconds)) * 1000;
}

const tokens = (prediction: Prediction): number => prediction.outputTokens;

function show(prediction: Prediction, { url }: Exchange, status = 200): Answer {
  const body = shapeOf(prediction, progress(prediction, Date.now()), url.origin);
  return { kind: 'json', status, headers: LIMITS, body, tokens: tokens(prediction), faults: [] };
}

async function order(exchange: Exchange, model: Model): Promise<Answer> {
  const { request, json: body, faults, entry, url, signal } = exchange;
  const stray = Object.keys(object(body)).find((name) => !BODY_FIELDS.has(name));
  if (stray) return refuse(422, { detail: `- Additional property ${stray} is not allowed\n` });
  const { input } = object(body);
  if (!isJson(input)) return refuse(422, { detail: '- input is required\n' });
  const refusal = checkInput(input, engineOf(model));
  if (refusal) return refusal;
  const suffered = faults.filter((fault) => !OF_THE_REQUEST.includes(fault.kind));
  const limitMs = limitOf(request.headers.get('cancel-after'));
  const prediction = await create({ model, input, faults: suffered, limitMs, entry });
  const until = Date.now() + waitOf(request.headers.get('prefer'));
  while (Date.now() < until && !signal.aborted && progress(prediction, Date.now()).completedAt === undefined) {
    await sleep(Math.min(5, until - Date.now()), signal);
  }
  const state = progress(prediction, Date.now());
  const shape = shapeOf(prediction, state, url.origin);
  // Recorded answers to `Prefer: wait` have the whole output and still say "processing", without metrics.
  const { metrics: _, completed_at: __, ...early } = shape;
  const waited = state.status === 'succeeded' ? { ...early, status: 'processing' } : shape;
  return { kind: 'json', status: 201, headers: LIMITS, body: waited, tokens: tokens(prediction), faults: [] };
}

function modelPage(name: string): Answer {
  const model = official(name);
  if (!model) return refuse(404);
  const [owner, title] = name.split('/');
  const properties = engineOf(model).fields;
  const schema = { components: { schemas: { Input: { type: 'object', required: ['prompt'], properties } } } };
  return json(200, { owner, name: title, latest_version: { id: 'hidden', openapi_schema: schema } });
}

async function answer(exchange: Exchange): Promise<Answer> {
  const { request, path, json: body, credentials } = exchange;
  if (bearerOf(request) !== credentials.REPLICATE_API_TOKEN) return refuse(401);
  const made = CREATE.exec(path);
  if (made && request.method === 'POST') {
    const name = made[1];
    const model = name === undefined ? versioned(text(object(body).version)) : official(name);
    if (!model) return name === undefined ? unknownVersion() : refuse(404);
    return order(exchange, model);
  }
  const [one, id = '', canceling] = ONE.exec(path) ?? [];
  const prediction = one === undefined ? undefined : byId(id);
  if (prediction && request.method === 'GET' && !canceling) return show(prediction, exchange);
  if (prediction && request.method === 'POST' && canceling) {
    cancel(prediction, Date.now());
    return show(prediction, exchange);
  }
  const page = /^\/v1\/models\/([\w.-]+\/[\w.-]+)$/.exec(path)?.[1];
  return page && request.method === 'GET' ? modelPage(page) : refuse(404);
}

const common = {
  provider: 'replicate',
  refusal: (status: number) => refuse(status),
  // A prediction fails by itself, with its own events: see predictions.ts.
  interruption: () => [],
  garbage: () => ({ data: 'event: error\ndata: {"detail\n\n' }),
};

/**
 * Predictions: created, waited for, looked up, canceled.
 * https://replicate.com/docs/reference/http
 */
export const replicate: Wire = {
  ...common,
  modelOf: ({ path, json: body }) => CREATE.exec(path)?.[1] ?? (text(object(body).version) || undefined),
  generates: ({ path, request }) => CREATE.test(path) && request.method === 'POST',
  answer,
};

/** What the stream suffers beyond what its prediction does by itself. */
const OF_THE_STREAM: readonly Fault['kind'][] = ['mute', 'cut', 'flip', 'malformed', 'no_end'];

/** The streams' own host, which takes no credentials: the address is the secret. */
export const replicateStream: Wire = {
  ...common,
  modelOf: () => undefined,
  generates: () => false,
  answer: ({ path, request, faults, signal }) => {
    const prediction = byStream(/^\/v1\/streams\/(\w+)$/.exec(path)?.[1] ?? '');
    if (!prediction) return refuse(404);
    const own = prediction.faults.filter((fault) => OF_THE_STREAM.includes(fault.kind));
    const frames = framesOf(prediction, request.headers.get('last-event-id'), signal);
    return { kind: 'stream', headers: SSE_HEADERS, frames, faults: [...own, ...faults] };
  },
};
