import { abortReason, type Event, GatewayError, type Generation, type Job, onlyBatch } from '../../src/core/index.ts';
import { bodyText } from '../http/index.ts';
import { decoder } from './decoder.ts';
import { errorFromAnswer, foreignAnswer, requestId } from './errors.ts';
import { parseJson } from './json.ts';
import { streamEvents } from './stream.ts';
import { interrupted, type Upstream } from './upstream.ts';

/** Characters of a JSON answer; the longest outputs of any model are a hundredth of it. */
const MAX_ANSWER = 32 * 1024 * 1024;
/** Characters read of a page that came instead of an answer. */
const MAX_ERROR = 64 * 1024;

/** The body's text. Of an error answer that breaks off, the status says enough. */
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

/** How a stream of events begins. */
const EVENTS = /^\s*(?:data|event|id|retry)?:/;

/** The JSON in the first event of a text, as DashScope and others send errors to whoever asked for a stream. */
function dataIn(text: string): unknown {
  const data = EVENTS.test(text) ? /^data:(.*)$/m.exec(text)?.[1] : undefined;
  return data === undefined ? undefined : parseJson(data)?.value;
}

/**
 * An upstream's answer, JSON or stream, as a generation. What it is is read from its type, not from what was asked:
 * some servers answer in one form whatever is asked.
 * @throws GatewayError for an error answer, and for a JSON answer that is none.
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
    // A stream under another type.
    const stream = EVENTS.test(text) ? new Response(text).body : null;
    if (stream) return streamEvents(stream, job, signal, upstream, id);
    throw foreignAnswer(`${upstream.name} answered with something that is not JSON.`, text, upstream).with({
      upstreamStatus: response.status,
      ...(id === undefined ? {} : { upstreamRequestId: id }),
    });
  }
  const events: Event[] = [];
  const whole = decoder(job, upstream, 'whole');
  whole.read(body.value, events);
  whole.end(events, true);
  return {
    events: onlyBatch(events),
    complete: true,
    ...(id === undefined ? {} : { upstreamId: id }),
    ...(whole.model === undefined ? {} : { upstreamModel: whole.model }),
    ...(whole.fingerprint === undefined ? {} : { fingerprint: whole.fingerprint }),
  };
}
