/** Reads a stream of OpenAI chunks: one batch of events for each network read, and the checks that it is complete. */
import { abortReason, type Event, type Generation, type Job } from '../../src/core/index.ts';
import { type BodyReader, bodyReader, OversizedEvent, sseReader } from '../http/index.ts';
import { chunkTemplate } from './chunk-template.ts';
import { errorEvent, interrupted, type Upstream } from './errors.ts';
import { parseJson } from './response-fields.ts';
import { responseMapper } from './response-mapper.ts';

/** Milliseconds that a server has, after its last finish reason, to send usage and `[DONE]` or to close. */
const PATIENCE_MS = 2000;

/** Characters kept of a body without any event. */
const MAX_PLAIN = 1024 * 1024;

/** The next read, or undefined if the time is up first. */
async function readWithin(reader: BodyReader, ms: number): Promise<Uint8Array | undefined> {
  let stopClock = (): void => undefined;
  const late = new Promise<undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    stopClock = () => clearTimeout(timer);
  });
  try {
    return await Promise.race([reader.read(), late]);
  } finally {
    stopClock();
  }
}

/**
 * A stream is complete when every choice has finished. `[DONE]` ends it at once, because some servers keep the
 * connection open after it. It is not required, because others do not send it. Any other end is `stream_interrupted`,
 * or the error that the server sent.
 */
export function streamEvents(
  body: ReadableStream<Uint8Array>,
  job: Job,
  signal: AbortSignal,
  upstream: Upstream,
  upstreamId: string | undefined,
): Generation {
  const reader = bodyReader(body, signal);
  const mapper = responseMapper(job, upstream, 'chunks');
  // Each chunk's log probabilities are its own.
  const template = job.sampling.logprobs === undefined ? chunkTemplate(readOne) : undefined;
  const utf8 = new TextDecoder();
  let batch: Event[] = [];
  let done = false;
  let ended = false;
  /** An event has come. `plain` is the text that came before the first one. */
  let events = false;
  let plain = '';

  /** What a chunk comes to by itself: its events, if it has nothing else to say. */
  function readOne(chunk: unknown): readonly Event[] {
    const events: Event[] = [];
    const alone = responseMapper(job, { id: upstream.id, name: upstream.name }, 'chunks');
    alone.read(chunk, events);
    return alone.finished || alone.hasUsage ? [] : events;
  }

  const sse = sseReader((data, event) => {
    if (done) return;
    events = true;
    if (data.length < 20 && data.trim() === '[DONE]') {
      done = true;
      return;
    }
    const text = event === '' ? template?.textIn(data) : undefined;
    if (template && text !== undefined) {
      mapper.readText(template.choice, text, batch);
      return;
    }
    const json = parseJson(data);
    if (event === 'error') throw errorEvent(json ? json.value : data, upstream);
    if (json) {
      const from = batch.length;
      mapper.read(json.value, batch);
      if (event === '' && batch.length === from + 1) template?.learn(data, batch[from]);
    }
    // Once the answer is complete, an event that is cut off or not JSON does no harm.
    else if (data.trim() !== '' && !(mapper.finished && (ended || mapper.settled))) throw interrupted(upstream);
  });

  /**
   * Reads a body that is plain JSON although its type says stream: an error that a proxy passed on, or a whole answer.
   * @throws GatewayError if it is an error
   */
  function takePlain(): void {
    const json = /^\s*[{[]/.test(plain) ? parseJson(plain) : undefined;
    if (!json) return;
    mapper.read(json.value, batch);
    done = true;
  }

  /** Handles one network read, or the end of the body. */
  function take(bytes: Uint8Array | undefined): void {
    ended = bytes === undefined;
    const text = bytes ? utf8.decode(bytes, { stream: true }) : utf8.decode();
    sse.push(text);
    if (!events && plain.length < MAX_PLAIN) plain += text;
    if (ended) sse.end();
    if (ended && !events) takePlain();
    if (done || ended) mapper.end(batch, done);
  }

  const generation: { -readonly [K in keyof Generation]: Generation[K] } = {
    events: batches(),
    ...(upstreamId === undefined ? {} : { upstreamId }),
  };

  let failure: unknown;
  let over = false;
  const close = (): void => {
    over = true;
    if (ended) reader.done();
    else reader.cancel();
  };

  /** A hand-written iterator, because an async generator costs extra microtask turns for every read. */
  function batches(): AsyncIterableIterator<Event[], undefined> {
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        while (!over) {
          if (failure !== undefined) {
            close();
            throw failure;
          }
          if (done || ended) break;
          let bytes: Uint8Array | undefined;
          try {
            bytes = await (mapper.settled ? readWithin(reader, PATIENCE_MS) : reader.read());
          } catch {
            // A broken connection counts as the end of the body: the completeness check then fails.
            bytes = undefined;
          }
          if (signal.aborted) {
            close();
            throw abortReason(signal);
          }
          batch = [];
          try {
            take(bytes);
          } catch (error) {
            failure = error instanceof OversizedEvent ? interrupted(upstream) : error;
          }
          if (mapper.model !== undefined) generation.upstreamModel = mapper.model;
          if (mapper.fingerprint !== undefined) generation.fingerprint = mapper.fingerprint;
          if (batch.length > 0) return { done: false, value: batch };
        }
        close();
        return { done: true, value: undefined };
      },
      async return() {
        close();
        return { done: true, value: undefined };
      },
    };
  }

  return generation;
}
