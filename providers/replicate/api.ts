/**
 * Replicate's HTTP API: the requests a generation needs, the prediction object that they answer, and a prediction's
 * event stream.
 */
import {
  abortReason,
  asGatewayError,
  type Fetch,
  GatewayError,
  httpUrl,
  isObject,
  type JsonObject,
  type Usage,
  unreachable,
} from '../../src/core/index.ts';
import { bodyReader, bodyText, OversizedEvent, sseReader } from '../http/index.ts';
import { httpError } from './errors.ts';
import type { CreateRequest } from './input.ts';

/** Where a prediction stands. Only `running` can change. */
export type PredictionState =
  | { readonly kind: 'running' }
  | { readonly kind: 'succeeded'; readonly text: string }
  /** It ran to its end, but its output is not there: deleted after an hour, or not text. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'canceled' }
  | { readonly kind: 'aborted' };

export interface Prediction {
  readonly id: string;
  readonly state: PredictionState;
  /** It waits for the model to be started, which can take minutes. */
  readonly starting: boolean;
  /** The output so far. While the prediction runs, more may follow. */
  readonly said: string;
  /** `http:` or `https:`. */
  readonly streamUrl?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** Seconds of hardware time, which is what time-priced models bill. */
  readonly predictSeconds?: number;
}

/**
 * https://replicate.com/docs/topics/predictions/lifecycle. A status that is not listed counts as running, bounded by
 * the job's deadline, unless the prediction says when it was completed.
 */
const STATUSES: ReadonlyMap<unknown, PredictionState['kind']> = new Map<unknown, PredictionState['kind']>([
  ['starting', 'running'],
  ['processing', 'running'],
  ['succeeded', 'succeeded'],
  ['failed', 'failed'],
  ['canceled', 'canceled'],
  ['aborted', 'aborted'],
]);

/** Language models answer a list of strings or one string. Null is no answer. Anything else is not text. */
function textOutput(output: unknown): string | undefined {
  if (typeof output === 'string') return output;
  if (!Array.isArray(output)) return undefined;
  let text = '';
  let pieces = 0;
  for (const piece of output) {
    // A null piece adds nothing.
    if (piece === null) continue;
    if (typeof piece !== 'string') return undefined;
    text += piece;
    pieces++;
  }
  return pieces === 0 && output.length > 0 ? undefined : text;
}

/** The error of a failed prediction. It is usually a text. */
function failureOf(error: unknown): string {
  if (typeof error === 'string') return error;
  if (error === null || error === undefined) return '';
  const detail = isObject(error) ? (error.detail ?? error.message) : undefined;
  return typeof detail === 'string' ? detail : JSON.stringify(error);
}

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const seconds = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

function stateOf(json: JsonObject, text: string | undefined, outputTokens: number | undefined): PredictionState {
  const kind = STATUSES.get(json.status) ?? (json.completed_at ? 'failed' : 'running');
  switch (kind) {
    case 'succeeded': {
      if (json.data_removed === true && !text) return { kind: 'lost' };
      // No output is an empty answer only if the engine says that it generated no token.
      if (text === undefined && outputTokens !== 0) return { kind: 'lost' };
      return { kind, text: text ?? '' };
    }
    case 'failed':
      return { kind, error: failureOf(json.error) };
    case 'lost':
    case 'running':
    case 'canceled':
    case 'aborted':
      return { kind };
  }
}

const SAFE_ID = /^[\w-]{1,128}$/;

/** A prediction object as Replicate sends it. Throws `provider_error` for anything else. */
function parsePrediction(body: string): Prediction {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    // Reported below, like every other body that is not a prediction.
  }
  if (!isObject(json) || typeof json.id !== 'string' || !SAFE_ID.test(json.id)) {
    throw new GatewayError('provider_error', 'Replicate answered with something that is not a prediction.', {
      provider: 'replicate',
    });
  }
  const metrics = isObject(json.metrics) ? json.metrics : {};
  const text = textOutput(json.output);
  const outputTokens = count(metrics.output_token_count);
  const inputTokens = count(metrics.input_token_count);
  const predictSeconds = seconds(metrics.predict_time);
  const state = stateOf(json, text, outputTokens);
  // Only read while the prediction runs, because checking a URL costs more than everything else here.
  const streamUrl = state.kind === 'running' && isObject(json.urls) ? json.urls.stream : undefined;
  return {
    id: json.id,
    state,
    starting: json.status === 'starting',
    said: text ?? '',
    ...(typeof streamUrl === 'string' && httpUrl(streamUrl) ? { streamUrl } : {}),
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...(predictSeconds === undefined ? {} : { predictSeconds }),
  };
}

/** The tokens that Replicate counted, if the engine counts tokens. Many community models do not. */
export function usageOf(prediction: Prediction): Usage | undefined {
  const { inputTokens, outputTokens, predictSeconds } = prediction;
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  return {
    input: inputTokens,
    cacheRead: 0,
    cacheWrite: 0,
    output: outputTokens,
    reasoning: 0,
    source: 'provider',
    ...(predictSeconds === undefined ? {} : { seconds: predictSeconds }),
  };
}

/** A prediction echoes its prompt and holds its logs and output, all of which may be long. Characters. */
const MAX_BODY = 16 << 20;

/** A whole body as text. Throws a GatewayError if it is too large, breaks off or the signal aborts. */
async function wholeText(response: Response, signal: AbortSignal): Promise<string> {
  const body = await bodyText(response, signal, MAX_BODY).catch(() => undefined);
  // An abort ends a body as if it were complete.
  if (signal.aborted) throw abortReason(signal);
  if (!body) throw unreachable('Replicate');
  if (!body.cut) return body.text;
  throw new GatewayError('provider_error', 'Replicate sent an answer that is too large.', { provider: 'replicate' });
}

async function refusal(request: 'create' | 'get', response: Response, signal: AbortSignal): Promise<GatewayError> {
  // The status says enough, so an unreadable body is ignored.
  const body = await wholeText(response, signal).catch(() => '');
  return httpError(request, response, body);
}

/** Each method makes exactly one HTTP request. */
export interface ReplicateApi {
  create(request: CreateRequest, signal: AbortSignal): Promise<Prediction>;
  get(id: string, signal: AbortSignal): Promise<Prediction>;
  cancel(id: string, signal: AbortSignal): Promise<void>;
  /** The event stream of a prediction. It may be on any host, so it is sent no credential. */
  stream(url: string, signal: AbortSignal): Promise<Response>;
}

export interface ApiSettings {
  readonly token: string;
  readonly baseUrl: string;
  readonly fetch: Fetch;
}

/**
 * Requests exactly as the official package sends them (a test compares the two), without what it does around them: it
 * repeats a create six times within 20 ms on a 429 or a dropped connection, each one billed, and ignores Retry-After
 * (replicate 1.4.0, lib/util.js `withAutomaticRetries`).
 */
export function replicateApi({ token, baseUrl, fetch }: ApiSettings): ReplicateApi {
  const root = new URL('.', baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`).href;
  const common = { 'Content-Type': 'application/json', 'User-Agent': 'chasqui', Authorization: `Bearer ${token}` };

  async function send(route: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    try {
      // A redirect would repeat a create, and might carry the token elsewhere.
      return await fetch(root + route, { headers: common, ...init, signal, redirect: 'manual' });
    } catch {
      // What fetch says may name hosts and paths.
      throw signal.aborted ? abortReason(signal) : unreachable('Replicate');
    }
  }

  return {
    async create({ route, headers, data }, signal) {
      try {
        const init = { method: 'POST', headers: { ...common, ...headers }, body: JSON.stringify(data) };
        const response = await send(route, init, signal);
        if (response.ok) return parsePrediction(await wholeText(response, signal));
        throw await refusal('create', response, signal);
      } catch (error) {
        // Once the bytes may have left, the prediction may exist, unless Replicate says that it does not.
        const { code, message, details } = asGatewayError(error);
        throw new GatewayError(code, message, { maybeBilled: true, ...details });
      }
    },
    async get(id, signal) {
      const response = await send(`predictions/${id}`, { method: 'GET' }, signal);
      if (!response.ok) throw await refusal('get', response, signal);
      return parsePrediction(await wholeText(response, signal));
    },
    async cancel(id, signal) {
      const response = await send(`predictions/${id}/cancel`, { method: 'POST' }, signal);
      await response.body?.cancel();
    },
    stream: (url, signal) => fetch(url, { headers: { Accept: 'text/event-stream' }, signal }),
  };
}

/**
 * How a stream ended. Only `done` says that the answer is complete. `cut` is every other end, the server's own
 * `:408: 408 Request Timeout` comment among them: the prediction may still be running, or complete.
 */
export type StreamEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'canceled' }
  | { readonly kind: 'cut' };

const CUT: StreamEnd = { kind: 'cut' };

/** The data of `done` is `{}`, or names the reason of another end. */
const DONE: ReadonlyMap<unknown, StreamEnd> = new Map<unknown, StreamEnd>([
  [undefined, { kind: 'done' }],
  ['canceled', { kind: 'canceled' }],
  ['error', { kind: 'failed', error: '' }],
]);

/** The end that an event means, if it means one. https://replicate.com/docs/topics/predictions/streaming */
function endOf(event: string, data: string): StreamEnd | undefined {
  if (event !== 'done' && event !== 'error') return undefined;
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    // The JSON was cut. The prediction itself says how it ended.
    if (data.startsWith('{')) return CUT;
  }
  const members = isObject(json) ? json : {};
  if (event === 'done') return DONE.get(members.reason) ?? CUT;
  return { kind: 'failed', error: typeof members.detail === 'string' ? members.detail : data };
}

/** One network read: the text of all its events, and how the stream ended, if it did. */
export interface StreamRead {
  readonly text: string;
  readonly end: StreamEnd | undefined;
}

export interface PredictionStream {
  /** Rejects only if the signal aborts, or on an event that is too large to be text. */
  read(): Promise<StreamRead>;
  /** Nobody reads on: the connection closes, unless the server has ended the stream and it can be used again. */
  leave(): void;
}

/** Opens the event stream of a prediction. Undefined if that fails. Rejects only if the signal aborts. */
export async function openStream(
  api: ReplicateApi,
  url: string,
  signal: AbortSignal,
): Promise<PredictionStream | undefined> {
  try {
    const response = await api.stream(url, signal);
    if (response.ok && response.body) return streamOf(response.body, signal);
    await response.body?.cancel();
  } catch {
    // The prediction itself says whether there is an answer, unless the caller has left.
    if (signal.aborted) throw abortReason(signal);
  }
  return undefined;
}

function streamOf(body: ReadableStream<Uint8Array>, signal: AbortSignal): PredictionStream {
  const reader = bodyReader(body, signal);
  const utf8 = new TextDecoder();
  let text = '';
  let end: StreamEnd | undefined;
  let broken: GatewayError | undefined;
  const events = sseReader((data, event) => {
    if (end) return;
    if (event === 'output') text += data;
    else end = endOf(event, data);
  });

  function onRead(bytes: Uint8Array | undefined): StreamRead {
    if (!bytes) {
      if (signal.aborted) throw abortReason(signal);
      reader.done();
      // An event whose blank line never came is not an event: `events.end()` is not called.
      return { text: '', end: CUT };
    }
    text = '';
    try {
      events.push(utf8.decode(bytes, { stream: true }));
    } catch (error) {
      if (!(error instanceof OversizedEvent)) throw error;
      broken = new GatewayError('stream_interrupted', 'Replicate sent an event that is too large to be text.', {
        provider: 'replicate',
      });
      // Text of whole events goes out, whatever follows them in the same read.
      if (text === '' && !end) throw broken;
    }
    // The server ends the stream right behind `done`: reading to there leaves the connection to the next request.
    if (end) reader.finish();
    return { text, end };
  }

  function onBroken(): StreamRead {
    if (signal.aborted) throw abortReason(signal);
    reader.cancel();
    // The prediction itself says whether the answer is complete.
    return { text: '', end: CUT };
  }

  return {
    read: () => (broken ? Promise.reject(broken) : reader.read(onRead, onBroken)),
    leave: () => reader.cancel(),
  };
}
