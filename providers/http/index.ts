/** Reads HTTP bodies and server-sent events for all providers, with limits and in linear time. */
export { type CutEmbedding, type CutVectors, cutEmbeddings, cutVectors } from './vectors.ts';

/**
 * Size of the read buffer in bytes: small for a slow stream, of which thousands may be open, large once a read fills
 * it.
 */
const READ_BYTES = { slow: 2 * 1024, fast: 16 * 1024 } as const;

export interface BodyReader {
  /**
   * Reads the next bytes, which are valid until the next call, or undefined at the end, and resolves to what `onBytes`
   * makes of them. If the connection breaks, `onBroken` is called. (A promise of the bytes would cost one more turn
   * of the microtask queue for each read, as much as parsing an event.)
   */
  read<T>(onBytes: OnBytes<T>, onBroken?: OnBroken<T>): Promise<T>;
  /** Tells the upstream that we stop reading. Never waits, never throws. */
  cancel(): void;
  /** Everything has been read: an abort has nothing left to cancel. */
  done(): void;
  /**
   * Everything that matters has been read. Reads once more in the background: if that is the end of the body, the
   * connection can be reused, whereas a cancel would close it. If it is not the end, cancels the body.
   */
  finish(): void;
}

type OnBytes<T> = (bytes: Uint8Array | undefined) => T | Promise<T>;
type OnBroken<T> = (error: unknown) => T | Promise<T>;

interface Source {
  read: BodyReader['read'];
  cancel(): Promise<void>;
}

/**
 * Reads into a buffer of its own. Most of the cost of a stream is entering JavaScript once per read. A large buffer
 * takes several chunks at once if they have arrived, and does not wait for more.
 */
function bufferedSource(reader: ReadableStreamBYOBReader): Source {
  let buffer: ArrayBufferLike = new ArrayBuffer(READ_BYTES.slow);
  const taken = ({ done, value }: ReadableStreamReadResult<Uint8Array>): Uint8Array | undefined => {
    if (done) return undefined;
    const full = value.byteLength === value.buffer.byteLength;
    buffer = full && value.byteLength < READ_BYTES.fast ? new ArrayBuffer(READ_BYTES.fast) : value.buffer;
    return value;
  };
  return {
    read: (onBytes, onBroken) => reader.read(new Uint8Array(buffer)).then((result) => onBytes(taken(result)), onBroken),
    cancel: () => reader.cancel(),
  };
}

function chunkSource(reader: ReadableStreamDefaultReader<Uint8Array>): Source {
  return {
    read: (onBytes, onBroken) => reader.read().then(({ done, value }) => onBytes(done ? undefined : value), onBroken),
    cancel: () => reader.cancel(),
  };
}

/** The body of a fetch is a byte stream and can be read into a buffer. A stream made in JavaScript may not be one. */
function sourceOf(body: ReadableStream<Uint8Array>): Source {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: 'byob' });
  } catch {
    // There is no other way to find out whether a stream is a byte stream.
    return chunkSource(body.getReader());
  }
  return bufferedSource(reader);
}

const ignored = (): void => undefined;
const asTheyAre = (bytes: Uint8Array | undefined): Uint8Array | undefined => bytes;

/** Reads a body. An abort cancels it, and a pending read then resolves as if the body had ended: check the signal. */
export function bodyReader(body: ReadableStream<Uint8Array>, signal: AbortSignal): BodyReader {
  const source = sourceOf(body);
  let over = false;
  const done = (): void => {
    over = true;
  };
  const cancel = (): void => {
    if (over) return;
    over = true;
    // A body that cannot be cancelled is already closed or broken.
    source.cancel().catch(ignored);
  };
  // The listener is never removed: that would cost more than the rest, and the signal belongs to one request.
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  return {
    read: source.read,
    cancel,
    done,
    finish() {
      source.read((bytes) => (bytes ? cancel() : done()), done);
    },
  };
}

/** Whether the headers say that a body is short. The runtime then reads it at once, at a fraction of the cost. */
const saysShort = (response: Response, limit: number): boolean => {
  const length = response.headers.get('content-length');
  // A compressed body may be far longer than its content-length.
  return length !== null && Number(length) <= limit && !response.headers.has('content-encoding');
};

/** A body as text, cut after `limit` characters; the rest is not read. Rejects if the connection breaks. */
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
      const bytes = await reader.read(asTheyAre);
      whole = bytes === undefined;
      if (!bytes) return { text: text + decoder.decode(), cut: false };
      text += decoder.decode(bytes, { stream: true });
      if (text.length > limit) return { text: text.slice(0, limit), cut: true };
    }
  } finally {
    // A body that was read to its end needs no cancel.
    if (whole) reader.done();
    else reader.cancel();
  }
}

/**
 * An incremental reader of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). It
 * reads the fields that model servers use: `data`, `event`, and llama.cpp's `error: {…}`. That one is not in the
 * standard; it is read as the data of an event named `error` (github.com/ggml-org/llama.cpp/issues/16104). Unlike a
 * browser, `end` reports an event without its final blank line, because some servers omit it. Decoding the data
 * shows if it was cut.
 *
 * Linear on any input: only new text is searched, and an unfinished line is a rope that is flattened once, at its
 * end.
 */
export interface SseReader {
  /** The decoded text of one network read. */
  push(text: string): void;
  /** The connection has ended. What is left over is an event, perhaps a cut one. */
  end(): void;
}

/** Limit of one event, and of one line, in characters. Anything longer is a fault or an attack. */
export const MAX_EVENT_LENGTH = 1024 * 1024;

const SPACE = 32;

/** Thrown by `push` when an event is longer than {@link MAX_EVENT_LENGTH}. */
export class OversizedEvent extends Error {}

/**
 * @example
 * const reader = sseReader((data, event) => console.log(event, data));
 * reader.push('data: {"a":');
 * reader.push('1}\n\n'); // '' '{"a":1}'
 */
export function sseReader(onEvent: (data: string, event: string) => void): SseReader {
  let line = '';
  let data: string | undefined;
  let event = '';
  let afterCarriageReturn = false;

  function dispatch(): void {
    const complete = data;
    const name = event;
    data = undefined;
    event = '';
    if (complete !== undefined) onEvent(complete, name);
  }

  function add(value: string): void {
    data = data === undefined ? value : `${data}\n${value}`;
    if (data.length > MAX_EVENT_LENGTH) throw new OversizedEvent();
  }

  /** Handles the line from `from` to `end`. Only the values of fields that we use are copied out of the text. */
  function field(text: string, from: number, end: number): void {
    if (from === end) {
      dispatch();
    } else if (text.startsWith('data:', from)) {
      add(text.slice(text.charCodeAt(from + 5) === SPACE ? from + 6 : from + 5, end));
    } else if (text.startsWith('event:', from)) {
      event = text.slice(text.charCodeAt(from + 6) === SPACE ? from + 7 : from + 6, end);
    } else if (text.startsWith('error:', from)) {
      event = 'error';
      add(text.slice(text.charCodeAt(from + 6) === SPACE ? from + 7 : from + 6, end));
    } else if (end - from === 4 && text.startsWith('data', from)) {
      add('');
    }
  }

  return {
    push(read) {
      let text = read;
      if (afterCarriageReturn && text.startsWith('\n')) text = text.slice(1);
      if (read !== '') afterCarriageReturn = read.endsWith('\r');
      // Carriage returns are rare, and JSON has none unescaped, so this usually costs one native search.
      if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n');
      let from = 0;
      let end = text.indexOf('\n');
      if (end !== -1 && line !== '') {
        const whole = line + text.slice(0, end);
        line = '';
        field(whole, 0, whole.length);
        from = end + 1;
        end = text.indexOf('\n', from);
      }
      for (; end !== -1; end = text.indexOf('\n', from)) {
        field(text, from, end);
        from = end + 1;
      }
      if (from < text.length) line += text.slice(from);
      if (line.length > MAX_EVENT_LENGTH) throw new OversizedEvent();
    },
    end() {
      const rest = line;
      line = '';
      if (rest !== '') field(rest, 0, rest.length);
      dispatch();
    },
  };
}
