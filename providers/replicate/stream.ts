import { abortReason, GatewayError } from '../../src/core/index.ts';
import { bodyReader, OversizedEvent, sseReader } from '../http/index.ts';
import type { ReplicateApi } from './api.ts';

/**
 * How a stream ended. Only `done` says that the answer is whole. `cut` is every other end, the server's own
 * `:408: 408 Request Timeout` comment among them: the prediction may be still running, or complete.
 */
export type StreamEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'canceled' }
  | { readonly kind: 'cut' };

const CUT: StreamEnd = { kind: 'cut' };

/** An event's data as JSON; undefined where it is none. */
function parse(data: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(data) };
  } catch {
    return undefined;
  }
}

const member = (json: unknown, name: string): unknown =>
  typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined;

/** `done` carries `{}`, or the reason why it is not an end that one wishes for. */
const DONE: ReadonlyMap<unknown, StreamEnd> = new Map<unknown, StreamEnd>([
  [undefined, { kind: 'done' }],
  ['canceled', { kind: 'canceled' }],
  ['error', { kind: 'failed', error: '' }],
]);

/** The end that an event means, if it means one. https://replicate.com/docs/topics/predictions/streaming */
function endOf(event: string, data: string): StreamEnd | undefined {
  if (event !== 'done' && event !== 'error') return undefined;
  const parsed = parse(data);
  // An object that was broken on its way says nothing; the prediction does.
  if (!parsed && data.startsWith('{')) return CUT;
  if (event === 'done') return DONE.get(member(parsed?.json, 'reason')) ?? CUT;
  const detail = member(parsed?.json, 'detail');
  return { kind: 'failed', error: typeof detail === 'string' ? detail : data };
}

/**
 * Reads a prediction's event stream: yields the text of each network read in one piece, and returns how it ended. It ends
 * at `done`, because the server may keep the connection open long after it. Throws only when the signal aborts.
 */
export async function* listen(
  api: ReplicateApi,
  url: string,
  signal: AbortSignal,
): AsyncGenerator<string, StreamEnd, undefined> {
  try {
    const response = await api.stream(url, signal);
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      return CUT;
    }
    return yield* read(response.body, signal);
  } catch (error) {
    if (signal.aborted) throw abortReason(signal);
    if (error instanceof GatewayError) throw error;
    if (error instanceof OversizedEvent) {
      throw new GatewayError('stream_interrupted', 'Replicate sent an event that is too large to be text.', {
        provider: 'replicate',
      });
    }
    // The connection broke. Whether the answer is whole is for the prediction itself to say.
  }
  return CUT;
}

async function* read(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<string, StreamEnd, undefined> {
  const reader = bodyReader(body, signal);
  const utf8 = new TextDecoder();
  let text = '';
  let end: StreamEnd | undefined;
  const events = sseReader((data, event) => {
    if (end) return;
    if (event === 'output') text += data;
    end = endOf(event, data);
  });
  try {
    for (let bytes = await reader.read(); bytes; bytes = await reader.read()) {
      let broken: unknown;
      try {
        events.push(utf8.decode(bytes, { stream: true }));
      } catch (error) {
        broken = error;
      }
      // What came whole is true, whatever follows it in the same read.
      if (text) yield text;
      if (broken !== undefined) throw broken;
      if (end) return end;
      text = '';
    }
  } finally {
    reader.cancel();
  }
  if (signal.aborted) throw abortReason(signal);
  // An event whose blank line never came is no event: `end()` is not called.
  return CUT;
}
