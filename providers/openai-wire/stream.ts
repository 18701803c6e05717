import { abortReason, type Event, type Generation, type Job } from '../../src/core/index.ts';
import { type BodyReader, bodyReader, OversizedEvent, sseReader } from '../http/index.ts';
import { decoder } from './decoder.ts';
import { errorEvent } from './errors.ts';
import { parseJson } from './json.ts';
import { likeness } from './likeness.ts';
import { interrupted, type Upstream } from './upstream.ts';

/** Milliseconds a server that has said everything gets to say its usage and `[DONE]`, or to close. */
const PATIENCE_MS = 2000;

/** Characters kept of a body that has no event in it. */
const MAX_PLAIN = 1024 * 1024;

/** The next read, or undefined if the time runs out first. */
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
 * A stream of OpenAI chunks, one batch of events per network read. It is complete when every choice has finished;
 * `[DONE]` ends it at once, because servers may keep the connection open after it, and is not waited for, because
 * others leave it out. Anything else is `stream_interrupted` or the error the server sent.
 */
export function streamEvents(
  body: ReadableStream<Uint8Array>,
  job: Job,
  signal: AbortSignal,
  upstream: Upstream,
  upstreamId: string | undefined,
): Generation {
  const reader = bodyReader(body, signal);
  const chunks = decoder(job, upstream, 'chunks');
  // What stands beside a text in a completion, and probabilities, are read with it.
  const alike = job.kind === 'chat' && job.sampling.logprobs === undefined ? likeness() : undefined;
  const utf8 = new TextDecoder();
  let batch: Event[] = [];
  let done = false;
  let ended = false;
  /** An event has come; until then, what has come instead. */
  let events = false;
  let plain = '';

  const sse = sseReader((data, event) => {
    if (done) return;
    events = true;
    if (data.length < 20 && data.trim() === '[DONE]') {
      done = true;
      return;
    }
    const like = event === '' ? alike?.read(data) : undefined;
    if (like) {
      chunks.more(like.choice, like.text, batch);
      return;
    }
    const json = parseJson(data);
    if (event === 'error') throw errorEvent(json ? json.value : data, upstream);
    if (json) {
      const from = batch.length;
      chunks.read(json.value, batch);
      alike?.learn(data, batch.slice(from));
    }
    // What is cut or is no JSON is no loss once everything has been said.
    else if (data.trim() !== '' && !(chunks.finished && (ended || chunks.settled))) throw interrupted(upstream);
  });

  /**
   * A body that is no stream whatever its type says: an error in plain JSON, as proxies send it on, or a whole answer.
   * @throws GatewayError if it is an error
   */
  function takePlain(): void {
    const json = /^\s*[{[]/.test(plain) ? parseJson(plain) : undefined;
    if (!json) return;
    chunks.read(json.value, batch);
    done = true;
  }

  /** Takes one read, or the end of the body. */
  function take(bytes: Uint8Array | undefined): void {
    ended = bytes === undefined;
    const text = bytes ? utf8.decode(bytes, { stream: true }) : utf8.decode();
    sse.push(text);
    if (!events && plain.length < MAX_PLAIN) plain += text;
    if (ended) sse.end();
    if (ended && !events) takePlain();
    if (done || ended) chunks.end(batch, done);
  }

  async function next(): Promise<Uint8Array | undefined> {
    try {
      return await (chunks.settled ? readWithin(reader, PATIENCE_MS) : reader.read());
    } catch {
      // How the connection broke is of no use to a caller; that it did shows in what is missing.
      return undefined;
    }
  }

  const generation: { -readonly [K in keyof Generation]: Generation[K] } = {
    events: batches(),
    ...(upstreamId === undefined ? {} : { upstreamId }),
  };

  let failure: unknown;
  let over = false;
  const close = (): void => {
    over = true;
    reader.cancel();
  };

  /** By hand, because an async generator costs a turn of the microtask queue for each await and yield of every read. */
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
          const bytes = await next();
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
          if (chunks.model !== undefined) generation.upstreamModel = chunks.model;
          if (chunks.fingerprint !== undefined) generation.fingerprint = chunks.fingerprint;
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
