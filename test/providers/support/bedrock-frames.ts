import { EventStreamCodec } from '@smithy/core/event-streams';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The SDK's own codec. */
export const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : decoder.decode(bytes)),
  (text) => encoder.encode(text),
);

const frame = (headers: Record<string, string>, payload: unknown): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(
    codec.encode({
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }])),
      body: encoder.encode(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    }),
  );

/** An event whose payload is this text, JSON or not. */
export const eventOf = (type: string, payload: string): Uint8Array<ArrayBuffer> =>
  frame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload);

/** One event, padded as Bedrock pads it. */
export const event = (type: string, payload: Record<string, unknown>): Uint8Array<ArrayBuffer> =>
  frame(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    { ...payload, p: 'abcdefgh' },
  );

export const exception = (type: string, message: string): Uint8Array<ArrayBuffer> =>
  frame({ ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' }, { message });

export const errorFrame = (code: string, message: string): Uint8Array<ArrayBuffer> =>
  frame({ ':message-type': 'error', ':error-code': code, ':error-message': message }, '');

const base64 = (text: string): string => btoa(String.fromCharCode(...encoder.encode(text)));

export const invokeChunk = (json: unknown): Uint8Array<ArrayBuffer> =>
  event('chunk', { bytes: base64(typeof json === 'string' ? json : JSON.stringify(json)) });

export const START = event('messageStart', { role: 'assistant' });
export const text = (said: string, block = 0) =>
  event('contentBlockDelta', { contentBlockIndex: block, delta: { text: said } });
export const toolStart = (block: number, toolUseId: string, name: string, type?: string) =>
  event('contentBlockStart', {
    contentBlockIndex: block,
    start: { toolUse: { toolUseId, name, ...(type ? { type } : {}) } },
  });
export const toolInput = (block: number, input: string) =>
  event('contentBlockDelta', { contentBlockIndex: block, delta: { toolUse: { input } } });
export const blockStop = (block: number) => event('contentBlockStop', { contentBlockIndex: block });
export const stop = (stopReason: string) => event('messageStop', { stopReason });
export const metadata = (usage: Record<string, number> = { inputTokens: 5, outputTokens: 7, totalTokens: 12 }) =>
  event('metadata', { usage, metrics: { latencyMs: 12 } });

export const joined = (frames: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(frames.reduce((size, one) => size + one.length, 0));
  let at = 0;
  for (const one of frames) {
    bytes.set(one, at);
    at += one.length;
  }
  return bytes;
};

const HEADERS = { 'content-type': 'application/vnd.amazon.eventstream', 'x-amzn-requestid': 'req-1' };

/** A stream that gives each item in a read of its own and then ends. */
export const readsOf = (...items: readonly (readonly Uint8Array[])[]): Response => {
  let next = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const item = items[next++];
        if (item) controller.enqueue(joined(item));
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: HEADERS });
};

export const streamOf = (...frames: readonly Uint8Array[]): Response => readsOf(frames);

/** A stream that stays open after these frames; `canceled` tells whether its reader has left. */
export function openStream(...frames: readonly Uint8Array[]): { response: Response; canceled: () => boolean } {
  let canceled = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (frames.length > 0) controller.enqueue(joined(frames));
    },
    cancel() {
      canceled = true;
    },
  });
  return { response: new Response(body, { headers: HEADERS }), canceled: () => canceled };
}
