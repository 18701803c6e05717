import { abortReason, type Event, GatewayError } from '../../src/core/index.ts';
import { bodyReader } from '../http/index.ts';
import { answerError, streamException } from './errors.ts';

/**
 * AWS's event stream format (https://smithy.io/2.0/aws/amazon-eventstream.html), decoded in place: a frame is read
 * where the network put it, and all frames of one network read become one batch of events. Integers are big-endian:
 *
 *   0  total length     4  length of the headers     8  CRC of these eight bytes
 *  12  headers, each { name length, name, type, value }
 *      payload
 *  -4  CRC of everything before
 */

const PRELUDE = 12;
const CRC = 4;
/** Far beyond Bedrock's own limit, a megabyte before base64 (API model, `PartBody`), and far below memory. */
const MAX_FRAME = 16 * 1024 * 1024;

/** What a frame's headers say. */
export interface FrameHead {
  /** `event`, `exception`, `error`. */
  readonly kind: string;
  /** Name of the event, the exception or the error. */
  readonly type: string;
  /** `:error-message`, where the kind is `error`. */
  readonly message: string;
}

/** CRC-32 (IEEE), four bytes at a time: table `n` is for a byte that `n` more follow. */
const TABLES = ((): readonly [Int32Array, Int32Array, Int32Array, Int32Array] => {
  const tables = [new Int32Array(256), new Int32Array(256), new Int32Array(256), new Int32Array(256)] as const;
  const [first, ...others] = tables;
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    first[byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = first[byte] ?? 0;
    for (const table of others) {
      crc = (crc >>> 8) ^ (first[crc & 0xff] ?? 0);
      table[byte] = crc;
    }
  }
  return tables;
})();
const [T0, T1, T2, T3] = TABLES;

/** Indices are in range, so that no fallback is ever taken. */
function checksum(bytes: Uint8Array, from: number, to: number): number {
  let crc = -1;
  let at = from;
  for (const last = to - 3; at < last; at += 4) {
    crc ^= (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    crc =
      (T3[crc & 0xff] ?? 0) ^ (T2[(crc >>> 8) & 0xff] ?? 0) ^ (T1[(crc >>> 16) & 0xff] ?? 0) ^ (T0[crc >>> 24] ?? 0);
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ (T0[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return ~crc >>> 0;
}

const uint32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;

const utf8 = new TextDecoder();

/** Bytes of a header's value by its type; a text (7) and bytes (6) say their own length. */
const VALUE_LENGTH: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16];
const TEXT = 7;

/** Reads the headers of one frame. */
function parseHeaders(bytes: Uint8Array): FrameHead {
  const texts = new Map<string, string>();
  let at = 0;
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error('A frame has headers that end beyond it.');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const number = (length: 1 | 2): number => take(length).reduce((value, byte) => value * 256 + byte, 0);
  while (at < bytes.length) {
    const name = utf8.decode(take(number(1)));
    const type = number(1);
    if (type >= VALUE_LENGTH.length) throw new Error('A frame has a header of an unknown type.');
    const value = take(VALUE_LENGTH[type] ?? number(2));
    if (type === TEXT) texts.set(name, utf8.decode(value));
  }
  const kind = texts.get(':message-type') ?? '';
  const name = { event: ':event-type', exception: ':exception-type', error: ':error-code' }[kind] ?? '';
  return { kind, type: texts.get(name) ?? '', message: texts.get(':error-message') ?? '' };
}

/** Sets of headers that are remembered: Bedrock's streams have about ten, one for each kind of event. */
const REMEMBERED = 32;
const known: { readonly bytes: Uint8Array; readonly head: FrameHead }[] = [];
let replaced = 0;

function isAt(one: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < one.length; i++) if (one[i] !== bytes[from + i]) return false;
  return true;
}

/** Reads the headers between two indices; those that came before are found by their bytes, without decoding any. */
function headAt(bytes: Uint8Array, from: number, to: number): FrameHead {
  for (const one of known) if (one.bytes.length === to - from && isAt(one.bytes, bytes, from)) return one.head;
  const own = bytes.slice(from, to);
  const head = parseHeaders(own);
  // Long ones are an error's own.
  if (own.length <= 256) known[replaced++ % REMEMBERED] = { bytes: own, head };
  return head;
}

export interface FrameDecoder {
  /**
   * Takes what the network gave; hands over every frame that is complete. A payload is a view of bytes that may
   * change after the call. Throws at a frame that is corrupt, when those before it have been handed over.
   */
  push(bytes: Uint8Array): void;
  /** Throws if the stream ends within a frame. */
  end(): void;
}

/** Decodes frames, however the network has cut them. */
export function frameDecoder(onFrame: (head: FrameHead, payload: Uint8Array) => void): FrameDecoder {
  /** Of the frame that has begun in an earlier read: first its prelude, then all of it. */
  const prelude = new Uint8Array(PRELUDE);
  let pending = prelude;
  let filled = 0;

  /** The length of the frame whose prelude is here, checked before any memory is taken for it. */
  function lengthAt(bytes: Uint8Array, at: number): number {
    const length = uint32(bytes, at);
    if (length > MAX_FRAME || uint32(bytes, at + 4) > length - PRELUDE - CRC) {
      throw new Error('A frame has an impossible length.');
    }
    if (checksum(bytes, at, at + 8) !== uint32(bytes, at + 8)) {
      throw new Error('The checksum of a frame’s prelude is wrong.');
    }
    return length;
  }

  function frameAt(bytes: Uint8Array, at: number, length: number): void {
    const end = at + length - CRC;
    if (checksum(bytes, at, end) !== uint32(bytes, end)) throw new Error('The checksum of a frame is wrong.');
    const payload = at + PRELUDE + uint32(bytes, at + 4);
    onFrame(headAt(bytes, at + PRELUDE, payload), bytes.subarray(payload, end));
  }

  /** Adds bytes to the pending frame up to a length; gives how many were taken. */
  function fill(bytes: Uint8Array, from: number, upTo: number): number {
    const taken = Math.min(upTo - filled, bytes.length - from);
    pending.set(bytes.subarray(from, from + taken), filled);
    filled += taken;
    return taken;
  }

  /** Completes the pending frame; gives how many bytes that took. */
  function resume(bytes: Uint8Array): number {
    let at = 0;
    if (pending === prelude) {
      at = fill(bytes, 0, PRELUDE);
      if (filled < PRELUDE) return at;
      pending = new Uint8Array(lengthAt(prelude, 0));
      pending.set(prelude);
    }
    at += fill(bytes, at, pending.length);
    if (filled < pending.length) return at;
    const frame = pending;
    pending = prelude;
    filled = 0;
    frameAt(frame, 0, frame.length);
    return at;
  }

  return {
    push(bytes) {
      let at = filled > 0 ? resume(bytes) : 0;
      while (bytes.length - at >= PRELUDE) {
        const length = lengthAt(bytes, at);
        if (bytes.length - at < length) break;
        frameAt(bytes, at, length);
        at += length;
      }
      if (at < bytes.length) resume(bytes.subarray(at));
    },
    end() {
      if (filled > 0) throw new Error('The stream ends within a frame.');
    },
  };
}

/** The JSON of a frame's payload. */
export const jsonOf = (payload: Uint8Array): unknown => JSON.parse(utf8.decode(payload));

/** Turns the events of one operation's stream into ours. */
export interface StreamDecoder {
  /** Adds what an event says to `out`; unknown events say nothing. Throws for a payload that it cannot read. */
  event(type: string, payload: Uint8Array, out: Event[]): void;
  /** Whether the answer and its usage are complete, so that nothing more is waited for. */
  complete(): boolean;
  /** Adds the last events. Throws if the answer is not complete. */
  end(out: Event[]): void;
}

/** Milliseconds. The body should end right after the last frame. */
const LINGER_MS = 250;

/** Events in batches, one for each network read that has any. */
export interface EventBatches extends AsyncIterableIterator<Event[], undefined> {
  /** Reads on until a frame has come, so that an exception in the first frame rejects here. */
  open(): Promise<void>;
}

/**
 * Reads the event stream of an answer. What came before a failure comes first; failures are GatewayErrors.
 * @param own of this answer alone: aborted when it fails and when its reader leaves, which cancels the body
 * @param onEnd called once, when nothing more is read
 */
export function eventBatches(
  response: Response,
  body: ReadableStream<Uint8Array>,
  decoder: StreamDecoder,
  own: AbortController,
  onEnd: () => void,
): EventBatches {
  const { signal } = own;
  const reader = bodyReader(body, signal);
  let events: Event[] = [];
  let failure: GatewayError | undefined;
  let opened = false;
  let ended = false;
  const frames = frameDecoder(({ kind, type, message }, payload) => {
    // Anything after a complete answer is ignored.
    if (decoder.complete()) return;
    if (kind === 'exception') throw streamException(type, utf8.decode(payload), response);
    if (kind === 'error') throw streamException(type, message, response);
    if (kind === 'event') decoder.event(type, payload, events);
    opened = true;
  });

  /** Reads the end of the body, so that its connection can be used again; cancels it if that takes long. */
  function linger(): void {
    const timer = setTimeout(() => reader.cancel(), LINGER_MS);
    const settle = (bytes: Uint8Array | undefined): void => {
      clearTimeout(timer);
      if (bytes === undefined) reader.done();
      else reader.cancel();
    };
    reader.read(settle, () => settle(undefined));
  }

  function take(bytes: Uint8Array | undefined): void {
    try {
      if (bytes) frames.push(bytes);
      else frames.end();
    } catch (thrown) {
      // The answer may be complete without what is corrupt.
      if (!decoder.complete()) throw thrown;
    }
    if (bytes && !decoder.complete()) return;
    ended = true;
    if (bytes) linger();
    else reader.done();
    decoder.end(events);
  }

  function onBytes(bytes: Uint8Array | undefined): void {
    try {
      if (signal.aborted) throw abortReason(signal);
      take(bytes);
    } catch (thrown) {
      onBroken(thrown);
    }
  }
  function onBroken(thrown: unknown): void {
    ended = true;
    failure = answerError(thrown, signal, response);
  }

  function fail(error: GatewayError): GatewayError {
    own.abort(error);
    onEnd();
    return error;
  }

  type Turn = IteratorResult<Event[], undefined>;
  // Plain functions and not async ones: each of those would cost every read a turn of the microtask queue.
  const onRead = (bytes: Uint8Array | undefined): Turn | Promise<Turn> => {
    onBytes(bytes);
    return turn() ?? next();
  };
  const onReadBroken = (thrown: unknown): Turn | Promise<Turn> => {
    onBroken(thrown);
    return turn() ?? next();
  };
  /** What is here already. */
  function turn(): Turn | undefined {
    if (signal.aborted) throw fail(abortReason(signal));
    if (events.length > 0) {
      const value = events;
      events = [];
      return { done: false, value };
    }
    if (failure) throw fail(failure);
    if (!ended) return undefined;
    onEnd();
    return { done: true, value: undefined };
  }
  function next(): Promise<Turn> {
    try {
      const here = turn();
      return here ? Promise.resolve(here) : reader.read(onRead, onReadBroken);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  const batches: EventBatches = {
    [Symbol.asyncIterator]: () => batches,
    async open() {
      while (!opened && !ended) await reader.read(onBytes, onBroken);
      if (failure && !opened) throw fail(failure);
    },
    next,
    async return() {
      own.abort(new GatewayError('canceled', 'The answer was not read to its end.', { provider: 'bedrock' }));
      onEnd();
      return { done: true, value: undefined };
    },
  };
  return batches;
}
