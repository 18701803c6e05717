import type { Context } from 'hono';
import { asGatewayError, type Event } from '../core/index.ts';
import type { StreamEncoder } from '../dialects/openai/index.ts';

/** Silence after which a comment is sent; it also reveals a caller that has gone. */
const KEEP_ALIVE_MS = 10_000;
const KEEP_ALIVE = new TextEncoder().encode(': keep-alive\n\n');

/**
 * Answers with server-sent events: one write for each batch, through the runtime's own IdentityTransformStream, which
 * costs a quarter less for each write than a TransformStream in JavaScript. When the caller leaves, the next write fails
 * and `gone` is called, which aborts the upstream.
 */
export function sendEvents(
  c: Context,
  events: AsyncIterable<Event[]>,
  encoder: StreamEncoder,
  gone: () => void,
): Response {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const bytes = new TextEncoder();
  let wrote = Date.now();
  let writing = false;
  const write = async (chunk: Uint8Array) => {
    writing = true;
    await writer.write(chunk);
    writing = false;
    wrote = Date.now();
  };
  const keepAlive = setInterval(() => {
    if (!writing && Date.now() - wrote >= KEEP_ALIVE_MS) write(KEEP_ALIVE).catch(gone);
  }, KEEP_ALIVE_MS);
  const pump = async () => {
    let last: string;
    try {
      for await (const batch of events) {
        const text = encoder.encode(batch);
        if (text !== '') await write(bytes.encode(text)).catch(gone);
      }
      last = encoder.end();
    } catch (thrown) {
      last = encoder.fail(asGatewayError(thrown));
    }
    await write(bytes.encode(last));
    await writer.close();
  };
  pump()
    // Only a caller that has gone makes this fail, and nobody is left to be told.
    .catch(gone)
    .finally(() => clearInterval(keepAlive));

  return c.body(readable, 200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
}
