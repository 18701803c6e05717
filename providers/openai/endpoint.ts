/** One server with an OpenAI API: posts jobs to it, and asks it for its list of models, which is how it is probed. */
import {
  abortReason,
  type Fetch,
  GatewayError,
  type Generation,
  isObject,
  type Job,
  type Probe,
  type ProbeSteps,
  probeFailed,
  unreachable,
} from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { readAnswer } from './answer.ts';
import { errorFromAnswer, type Upstream } from './errors.ts';
import { type ServerProfile, wireRequest } from './request.ts';
import { filled, parseJson } from './response-fields.ts';

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

/** Posts a job and reads the answer. One request: no retry. */
export async function generateAt(
  { fetch, baseUrl, jsonHeaders, streamHeaders }: Endpoint,
  job: Job,
  server: ServerProfile,
  signal: AbortSignal,
): Promise<Generation> {
  if (signal.aborted) throw abortReason(signal);
  const { path, body } = wireRequest(job, server);
  let response: Response;
  try {
    response = await fetch(baseUrl + path, {
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
  return readAnswer(response, job, signal, server);
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
