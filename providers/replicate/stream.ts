/** A prediction's event stream: what each network read says, and how the stream ends. */
import { abortReason, GatewayError, isObject } from '../../src/core/index.ts';
import { bodyReader, OversizedEvent, sseReader } from '../http/index.ts';
import type { ReplicateApi } from './api.ts';

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

export interface OpenStream {
  /** Rejects only if the signal aborts, or on an event that is too large to be text. */
  read(): Promise<StreamRead>;
  /** Nobody reads on: the connection closes, unless the server has ended the stream and it can be used again. */
  leave(): void;
}

/** Opens the event stream of a prediction. Undefined if that fails. Rejects only if the signal aborts. */
export async function openStream(api: ReplicateApi, url: string, signal: AbortSignal): Promise<OpenStream | undefined> {
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

function streamOf(body: ReadableStream<Uint8Array>, signal: AbortSignal): OpenStream {
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
    read: () => (broken ? Promise.reject(broken) : reader.read().then(onRead, onBroken)),
    leave: () => reader.cancel(),
  };
}
