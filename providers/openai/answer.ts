/** Reads a server's HTTP answer: an error, a JSON body or a stream of events. */
import { abortReason, type Event, GatewayError, type Generation, type Job, onlyBatch } from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { errorFromAnswer, foreignAnswer, interrupted, requestId, type Upstream } from './errors.ts';
import { parseJson } from './response-fields.ts';
import { responseMapper } from './response-mapper.ts';
import { streamEvents } from './stream.ts';

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
  if (!response.ok) {
    const text = await read(response, signal, upstream);
    throw errorFromAnswer(upstream, response.status, response.headers, parseJson(text)?.value ?? dataIn(text) ?? text);
  }
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
