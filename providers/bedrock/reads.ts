/**
 * The body of an event stream on its way to the SDK's decoder: watched, so that no frame is larger than memory and none
 * is cut off unnoticed, and punctuated, so that what came in one network read can go out as one batch.
 * Frames: https://smithy.io/2.0/aws/amazon-eventstream.html
 */
export interface Reads extends AsyncIterable<Uint8Array> {
  /** Resolves when all that was read so far is decoded, and the decoder asks for more. */
  drained(): Promise<void>;
  /** Nobody wants the rest. */
  close(): void;
  /** All that matters has come: what is left is the end, which is given a moment so that the connection can be kept. */
  linger(): void;
}

/** Prelude, its checksum and the message's checksum: the smallest frame there is. */
const MIN_FRAME = 16;
/** Far beyond Bedrock's own limit, a megabyte before base64 (API model, `PartBody`), and far below memory. */
const MAX_FRAME = 16 * 1024 * 1024;

/**
 * Follows the lengths of the frames, which is all it reads. The SDK's decoder allocates whatever the first four bytes
 * say (up to 4 GB), runs in circles on a length under 4, and takes an end within them for the end of the stream.
 */
function frameWatch(): { see(piece: Uint8Array): number; end(): void } {
  /** Bytes left of the frame that has begun. */
  let left = 0;
  let length = 0;
  let lengthBytes = 0;
  return {
    /** Bytes of the piece before a frame whose length is impossible: all of them where there is none. */
    see(piece) {
      let at = 0;
      let sound = 0;
      while (at < piece.length) {
        if (left > 0) {
          const step = Math.min(left, piece.length - at);
          left -= step;
          at += step;
          sound = at;
          continue;
        }
        length = length * 256 + (piece[at++] ?? 0);
        if (++lengthBytes < 4) continue;
        if (length < MIN_FRAME || length > MAX_FRAME) return sound;
        left = length - 4;
        length = 0;
        lengthBytes = 0;
      }
      return piece.length;
    },
    end() {
      if (left > 0 || lengthBytes > 0) throw new Error('The stream ends within a frame.');
    },
  };
}

const impossibleLength = (): Error => new Error('A frame has an impossible length.');

/** Milliseconds. The end follows the last frame at once, or something is wrong with it. */
const LINGER_MS = 250;

/** A promise and what resolves it (Node 20 has no `Promise.withResolvers`). */
function signalled(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Reads a body until it ends or the signal aborts, which cancels it. */
export function reads(body: ReadableStream<Uint8Array>, signal: AbortSignal): Reads {
  const reader = body.getReader();
  const watch = frameWatch();
  let drained = signalled();
  let ended = false;
  /** The next frame has an impossible length: what came whole before it has been handed over. */
  let unsound = false;
  let lingering: ReturnType<typeof setTimeout> | undefined;

  const cancel = () => {
    ended = true;
    // What the far end makes of it concerns nobody any more.
    reader.cancel().catch(() => undefined);
  };
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  const end = () => {
    ended = true;
    clearTimeout(lingering);
    signal.removeEventListener('abort', cancel);
  };

  const iterator: AsyncIterator<Uint8Array, undefined> = {
    async next() {
      drained.resolve();
      if (ended) return { done: true, value: undefined };
      try {
        if (unsound) throw impossibleLength();
        const { done, value } = await reader.read();
        signal.throwIfAborted();
        if (done) {
          end();
          watch.end();
          return { done, value: undefined };
        }
        const sound = watch.see(value);
        unsound = sound < value.length;
        if (sound === 0 && unsound) throw impossibleLength();
        drained = signalled();
        return { done: false, value: unsound ? value.subarray(0, sound) : value };
      } catch (error) {
        cancel();
        end();
        throw error;
      }
    },
  };
  const close = () => {
    if (ended) return;
    cancel();
    end();
  };
  const linger = () => {
    if (!ended) lingering = setTimeout(close, LINGER_MS);
  };
  return { drained: () => drained.promise, close, linger, [Symbol.asyncIterator]: () => iterator };
}
