/** What every HTTP provider needs and no package does well: reading bodies and server-sent events, bounded and linear. */
export { MAX_EVENT_LENGTH, OversizedEvent, type SseReader, sseReader } from './sse.ts';

/** Bytes asked of the network at once: one read then carries every event that is waiting, not one. */
const READ_BYTES = 16 * 1024;

export interface BodyReader {
  /** The next bytes, valid until the next call; undefined at the end. Rejects if the connection breaks. */
  read(): Promise<Uint8Array | undefined>;
  /** Tells the upstream that nobody reads on. Never waits, never throws. */
  cancel(): void;
  /** All has been read: no abort is waited for any more. */
  done(): void;
  /**
   * All that matters has been read: reads once more without anybody waiting. If that is the end, the connection serves
   * the next request, which a cancel would close. If not, the body is cancelled.
   */
  finish(): void;
}

interface Source {
  read(): Promise<Uint8Array | undefined>;
  cancel(): Promise<void>;
}

/**
 * A source that reads into a buffer of its own. Entering JavaScript once per network read is what a stream costs, and
 * a large buffer takes several chunks at once when they are there, without waiting for any that is not.
 */
function bufferedSource(reader: ReadableStreamBYOBReader): Source {
  let buffer: ArrayBufferLike = new ArrayBuffer(READ_BYTES);
  const taken = ({ done, value }: ReadableStreamReadResult<Uint8Array>): Uint8Array | undefined => {
    if (done) return undefined;
    buffer = value.buffer;
    return value;
  };
  return { read: () => reader.read(new Uint8Array(buffer)).then(taken), cancel: () => reader.cancel() };
}

function chunkSource(reader: ReadableStreamDefaultReader<Uint8Array>): Source {
  return {
    read: () => reader.read().then(({ done, value }) => (done ? undefined : value)),
    cancel: () => reader.cancel(),
  };
}

/** Fetched bodies are byte streams and can be read into a buffer; a stream made in JavaScript may not be. */
function sourceOf(body: ReadableStream<Uint8Array>): Source {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: 'byob' });
  } catch {
    // The only way to ask a stream whether it is a byte stream.
    return chunkSource(body.getReader());
  }
  return bufferedSource(reader);
}

const ignored = (): void => undefined;

/** Reads a body. An abort cancels it, which ends a waiting read as if the body had ended: ask the signal which it was. */
export function bodyReader(body: ReadableStream<Uint8Array>, signal: AbortSignal): BodyReader {
  const source = sourceOf(body);
  let over = false;
  const done = (): void => {
    over = true;
  };
  const cancel = (): void => {
    if (over) return;
    over = true;
    // A body that cannot be cancelled is closed or broken already, which is what was wanted.
    source.cancel().catch(ignored);
  };
  // Never taken off: that costs more than the rest of this, and the signal is that of one request.
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  return {
    read: source.read,
    cancel,
    done,
    finish() {
      source.read().then((bytes) => (bytes ? cancel() : done()), done);
    },
  };
}

/** Whether a body says that it is short: then the runtime reads it whole, natively, at a fraction of the cost. */
const saysShort = (response: Response, limit: number): boolean => {
  const length = response.headers.get('content-length');
  // What is compressed may be far longer than it says.
  return length !== null && Number(length) <= limit && !response.headers.has('content-encoding');
};

/** A body as text, cut at a limit of characters: what follows is not read. Rejects if the connection breaks. */
export async function bodyText(
  response: Response,
  signal: AbortSignal,
  limit: number,
): Promise<{ readonly text: string; readonly cut: boolean }> {
  if (!response.body) return { text: '', cut: false };
  if (saysShort(response, limit)) return { text: await response.text(), cut: false };
  const reader = bodyReader(response.body, signal);
  const decoder = new TextDecoder();
  let text = '';
  let whole = false;
  try {
    for (;;) {
      const bytes = await reader.read();
      whole = bytes === undefined;
      if (!bytes) return { text: text + decoder.decode(), cut: false };
      text += decoder.decode(bytes, { stream: true });
      if (text.length > limit) return { text: text.slice(0, limit), cut: true };
    }
  } finally {
    // A body that has been read to its end is let go of, which costs less than to cancel it.
    if (whole) reader.done();
    else reader.cancel();
  }
}
