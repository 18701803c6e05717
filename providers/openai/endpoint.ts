/** Sends a request to an endpoint and reads its answer: an error, a JSON body or a stream of events. */
import {
  abortReason,
  type Event,
  type Fetch,
  GatewayError,
  type Generation,
  isObject,
  type Job,
  onlyBatch,
  type Probe,
  type ProbeSteps,
  probeFailed,
  unreachable,
} from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { errorFromAnswer, foreignAnswer, interrupted, requestId, type Upstream } from './errors.ts';
import { type ServerProfile, wireRequest } from './request.ts';
import { filled, parseJson } from './response-fields.ts';
import { responseMapper } from './response-mapper.ts';
import { streamEvents } from './stream.ts';

/** Where a server is and what each request to it carries. Made once, because headers cost less when they are reused. */
export interface Endpoint {
  readonly fetch: Fetch;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly jsonHeaders: Headers;
  readonly streamHeaders: Headers;
}

const JSON_TYPE = 'application/json';

/** @param headers authorization and whatever else the server asks for */
export const endpoint = (
  baseUrl: string,
  fetch: Fetch,
  headers: Readonly<Record<string, string>>,
  streamAccept = JSON_TYPE,
): Endpoint => ({
  fetch,
  baseUrl,
  jsonHeaders: new Headers({ 'content-type': JSON_TYPE, accept: JSON_TYPE, ...headers }),
  streamHeaders: new Headers({ 'content-type': JSON_TYPE, accept: streamAccept, ...headers }),
});

/** Posts JSON. One request: no retry. Rejects where the server cannot be reached; it may have refused the request. */
export async function post(
  { fetch, baseUrl, jsonHeaders, streamHeaders }: Endpoint,
  path: string,
  body: Readonly<Record<string, unknown>>,
  server: Upstream,
  signal: AbortSignal,
): Promise<Response> {
  if (signal.aborted) throw abortReason(signal);
  try {
    return await fetch(baseUrl + path, {
      method: 'POST',
      headers: body.stream ? streamHeaders : jsonHeaders,
      body: JSON.stringify(body),
      signal,
      // A redirect would turn the POST into a GET, and may send the credentials to another host.
      redirect: 'manual',
    });
  } catch {
    // The message of fetch's error may contain hosts and paths.
    throw signal.aborted ? abortReason(signal) : unreachable(server.name).with({ provider: server.id });
  }
}

/** Posts a job and reads the answer. */
export async function generateAt(
  at: Endpoint,
  job: Job,
  server: ServerProfile,
  signal: AbortSignal,
): Promise<Generation> {
  const { path, body } = wireRequest(job, server);
  return readAnswer(await post(at, path, body, server, signal), job, signal, server);
}

/** Characters of a list of models. The longest known one has a million. */
const MAX_LIST = 16 * 1024 * 1024;

/** The ids in a list of models: OpenAI's `{data: []}`, or Together's plain array. */
function idsIn(body: unknown): ReadonlySet<string> | undefined {
  const list = Array.isArray(body) ? body : isObject(body) ? body.data : undefined;
  if (!Array.isArray(list)) return undefined;
  return new Set(list.flatMap((entry: unknown) => (isObject(entry) ? (filled(entry.id) ?? []) : [])));
}

/** Asks a server for its list of models. Returns their ids, or the probe's failure. */
export async function askForModels(
  { fetch, baseUrl, jsonHeaders }: Endpoint,
  upstream: Upstream,
  steps: ProbeSteps,
  signal: AbortSignal,
): Promise<{ readonly asked: string; readonly ids: ReadonlySet<string> } | { readonly probe: Probe }> {
  const url = `${baseUrl}/models`;
  const asked = `GET ${url}`;
  const failed = (error: GatewayError) => ({ probe: probeFailed(asked, error, steps) });
  let response: Response;
  let text: string;
  try {
    const headers = new Headers(jsonHeaders);
    // A GET has no body.
    headers.delete('content-type');
    response = await fetch(url, { headers, signal, redirect: 'manual' });
    ({ text } = await bodyText(response, signal, MAX_LIST));
  } catch {
    // The message of fetch's error may contain hosts and paths.
    return failed(unreachable(upstream.name));
  }
  if (signal.aborted) return failed(unreachable(upstream.name));
  const body = parseJson(text)?.value;
  if (!response.ok) return failed(errorFromAnswer(upstream, response.status, response.headers, body ?? text));
  const ids = idsIn(body);
  if (ids) return { asked, ids };
  const details = { provider: upstream.id, upstreamStatus: 404 };
  return failed(new GatewayError('model_not_found', 'It answered with no list of models.', details));
}

/** Characters of a JSON answer. The longest outputs of any model are a hundredth of it. */
const MAX_ANSWER = 32 * 1024 * 1024;
/** Characters of an error answer that are read. */
const MAX_ERROR = 64 * 1024;

/** The body's text. An error answer that breaks off counts as empty: its status says enough. */
async function read(response: Response, signal: AbortSignal, upstream: Upstream): Promise<string> {
  const limit = response.ok ? MAX_ANSWER : MAX_ERROR;
  const body = await bodyText(response, signal, limit).catch(() => undefined);
  if (signal.aborted) throw abortReason(signal);
  if (!response.ok) return body?.text ?? '';
  if (!body) throw interrupted(upstream);
  if (!body.cut) return body.text;
  throw new GatewayError('provider_error', `${upstream.name} answered with more than the gateway takes.`, {
    provider: upstream.id,
  });
}

/** The start of an event stream. */
const EVENTS = /^\s*(?:data|event|id|retry)?:/;

/** The JSON of the first event in a text. DashScope and others send errors in this form if a stream was asked for. */
function dataIn(text: string): unknown {
  const data = EVENTS.test(text) ? /^data:(.*)$/m.exec(text)?.[1] : undefined;
  return data === undefined ? undefined : parseJson(data)?.value;
}

async function refusalIn(response: Response, signal: AbortSignal, upstream: Upstream): Promise<GatewayError> {
  const text = await read(response, signal, upstream);
  return errorFromAnswer(upstream, response.status, response.headers, parseJson(text)?.value ?? dataIn(text) ?? text);
}

/** The text of an answer in one piece. Throws for an error answer. */
export async function readJsonText(response: Response, signal: AbortSignal, upstream: Upstream): Promise<string> {
  if (!response.ok) throw await refusalIn(response, signal, upstream);
  return read(response, signal, upstream);
}

/**
 * Reads an answer, JSON or stream. Its content type decides which, because some servers always answer in one form.
 * @throws GatewayError for an error answer, and for a body that is not OpenAI's format
 */
export async function readAnswer(
  response: Response,
  job: Job,
  signal: AbortSignal,
  upstream: Upstream,
): Promise<Generation> {
  if (!response.ok) throw await refusalIn(response, signal, upstream);
  const id = requestId(response.headers);
  const type = (response.headers.get('content-type') ?? '').toLowerCase();
  const isStream = type.includes('event-stream') || (job.stream && !/json|html/.test(type));
  if (isStream && response.body) return streamEvents(response.body, job, signal, upstream, id);

  const text = await read(response, signal, upstream);
  const body = parseJson(text);
  if (!body) {
    // An event stream with another content type.
    const stream = EVENTS.test(text) ? new Response(text).body : null;
    if (stream) return streamEvents(stream, job, signal, upstream, id);
    throw foreignAnswer(`${upstream.name} answered with something that is not JSON.`, text, upstream).with({
      upstreamStatus: response.status,
      ...(id === undefined ? {} : { upstreamRequestId: id }),
    });
  }
  const events: Event[] = [];
  const mapper = responseMapper(job, upstream, 'whole');
  mapper.read(body.value, events);
  mapper.end(events, true);
  return {
    events: onlyBatch(events),
    complete: true,
    ...(id === undefined ? {} : { upstreamId: id }),
    ...(mapper.model === undefined ? {} : { upstreamModel: mapper.model }),
    ...(mapper.fingerprint === undefined ? {} : { fingerprint: mapper.fingerprint }),
  };
}
