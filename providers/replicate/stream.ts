import { abortReason, GatewayError } from '../../src/core/index.ts';
import type { ReplicateApi } from './api.ts';
import { reads } from './body.ts';
import { type ServerEvent, sseParser } from './sse.ts';

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

function member(data: string, name: string): unknown {
  try {
    const json: unknown = JSON.parse(data);
    return typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined;
  } catch {
    // Not JSON: it has no members.
    return undefined;
  }
}

/** `done` carries `{}`, or the reason why it is not an end that one wishes for. */
const DONE: Readonly<Record<string, StreamEnd>> = {
  undefined: { kind: 'done' },
  canceled: { kind: 'canceled' },
  error: { kind: 'failed', error: '' },
};

/** The end that an event means, if it means one. https://replicate.com/docs/topics/predictions/streaming */
function endOf({ event, data }: ServerEvent): StreamEnd | undefined {
  if (event === 'done') return DONE[String(member(data, 'reason'))] ?? CUT;
  if (event !== 'error') return undefined;
  const detail = member(data, 'detail');
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
    if (!response.ok) {
      await response.body?.cancel();
      return CUT;
    }
    const parser = sseParser();
    for await (const chunk of reads(response, signal)) {
      let text = '';
      let end: StreamEnd | undefined;
      for (const event of parser.push(chunk)) {
        if (event.event === 'output') text += event.data;
        end = endOf(event);
        if (end) break;
      }
      if (text) yield text;
      if (end) return end;
    }
  } catch (error) {
    if (signal.aborted) throw abortReason(signal);
    if (error instanceof GatewayError) throw error;
    // The connection broke. Whether the answer is whole is for the prediction itself to say.
  }
  return CUT;
}
