/** Answers with server-sent events: texts that come together leave in one write, and comments while nothing comes. */
import type { Context } from 'hono';
import { asGatewayError, type ErrorCode, type GatewayError } from '../core/index.ts';
import { headersOf, reply } from './request.ts';

/** A comment is sent after this much silence. It also reveals a caller that has left. */
const KEEP_ALIVE_MS = 10_000;
/** The silence is counted in this many ticks, which costs less than reading the clock for it. */
const QUIET_TICKS = 2;
export const EVENT_STREAM = 'text/event-stream; charset=utf-8';
export const KEEP_ALIVE = ': keep-alive\n\n';

/** What comes in the same millisecond as the last write waits this long for more: a write costs more than a read. */
const GATHER_MS = 1;
/** Characters that may wait to be written. With more the upstream is not read until the caller has read. */
const MAX_WAITING = 16 * 1024;

const encoder = new TextEncoder();

/** One writer of an answer's body. */
interface Outlet {
  /** Sends text at once, or with what else comes in this millisecond. */
  send(text: string): void;
  /** Resolves when the caller has read enough that there is room for more. Undefined: there is room now. */
  room(): Promise<void> | undefined;
  /** Sends the rest and ends the body. */
  end(text: string): Promise<void>;
}

/**
 * Writes through the runtime's own IdentityTransformStream, which costs less for each write than any stream in
 * JavaScript. When the caller leaves, a write fails and `lost` is called.
 */
function outlet(writable: WritableStream<Uint8Array>, lost: () => void, keepAliveText: string): Outlet {
  const writer = writable.getWriter();
  let waiting = '';
  let writing = false;
  let wroteAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let makeRoom: (() => void) | undefined;
  let quiet = 0;

  const keepAlive = setInterval(() => {
    if (writing || ++quiet < QUIET_TICKS) return;
    quiet = 0;
    writer.write(encoder.encode(keepAliveText)).catch(fail);
  }, KEEP_ALIVE_MS / QUIET_TICKS);

  function flush(): void {
    if (timer !== undefined) clearTimeout(timer);
    timer = undefined;
    if (writing || waiting === '') return;
    const text = waiting;
    waiting = '';
    writing = true;
    writer.write(encoder.encode(text)).then(written, fail);
  }
  function written(): void {
    writing = false;
    quiet = 0;
    if (timer === undefined) flush();
    makeRoom?.();
  }
  function fail(): void {
    clearInterval(keepAlive);
    if (timer !== undefined) clearTimeout(timer);
    lost();
    makeRoom?.();
  }

  return {
    send(text) {
      waiting += text;
      const now = Date.now();
      if (now !== wroteAt || waiting.length >= MAX_WAITING) {
        wroteAt = now;
        flush();
      } else timer ??= setTimeout(flush, GATHER_MS);
    },
    room() {
      if (waiting.length < MAX_WAITING) return undefined;
      return new Promise((resolve) => {
        makeRoom = resolve;
      });
    },
    async end(text) {
      clearInterval(keepAlive);
      if (timer !== undefined) clearTimeout(timer);
      const rest = waiting + text;
      waiting = '';
      await writer.write(encoder.encode(rest));
      await writer.close();
    },
  };
}

/** How a stream of batches is written: a dialect's `StreamEncoder`, for one. */
export interface EventEncoder<Batch> {
  encode(batch: Batch): string;
  end(): string;
  fail(error: GatewayError): string;
  readonly keepAlive?: string;
}

/**
 * Sends a stream's events. `gone` is called when the caller has left, and must abort the upstream. `over` is called
 * once, when nothing of the stream is left, with how it ended.
 */
export function sendEvents<Batch>(
  c: Context,
  events: AsyncIterable<Batch>,
  dialect: EventEncoder<Batch>,
  gone: () => void,
  over: (outcome: 'ok' | ErrorCode) => void,
): Response {
  const { readable, writable } = new IdentityTransformStream();
  let left = false;
  const lost = () => {
    left = true;
    gone();
  };
  const out = outlet(writable, lost, dialect.keepAlive ?? KEEP_ALIVE);
  const pump = async (): Promise<void> => {
    let last: string;
    let outcome: 'ok' | ErrorCode = 'ok';
    try {
      for await (const batch of events) {
        const text = dialect.encode(batch);
        if (text !== '') out.send(text);
        const room = out.room();
        if (room) await room;
        // Leaving the loop ends the upstream.
        if (left) return over('canceled');
      }
      last = dialect.end();
    } catch (thrown) {
      if (left) return over('canceled');
      const error = asGatewayError(thrown);
      outcome = error.code;
      last = dialect.fail(error);
    }
    over(outcome);
    await out.end(last);
  };
  // This fails only when the caller has left, so nobody is left to be told.
  pump().catch(lost);

  const headers = headersOf(c);
  headers['cache-control'] = 'no-cache, no-transform';
  headers['x-accel-buffering'] = 'no';
  return reply(c, 200, EVENT_STREAM, readable);
}
