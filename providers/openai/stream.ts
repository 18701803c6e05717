/** Reads a stream of OpenAI chunks: one batch of events for each network read, and the checks that it is complete. */
import { abortReason, type Event, type Generation, isObject, type Job } from '../../src/core/index.ts';
import { type BodyReader, bodyReader, OversizedEvent, sseReader } from '../http/index.ts';
import { errorEvent, interrupted, type Upstream } from './errors.ts';
import { parseJson } from './response-fields.ts';
import { responseMapper } from './response-mapper.ts';

/**
 * Chunks of a stream that differ in their text alone, as most do: the text is cut out of one that is like the last that was
 * parsed, which costs less than parsing it. Any other is for the parser.
 */
interface Likeness {
  /** What a chunk says, if it is like the one that was learned. */
  read(data: string): { readonly choice: number; readonly text: string } | undefined;
  /** A chunk that was parsed, and the events that it came to. */
  learn(data: string, events: readonly Event[]): void;
}

const FIELD = '"content":';
/** Servers whose chunks have a time or a count in them, which are never alike, are not compared for ever. */
const MAX_MISSES = 8;

/** Characters that no JSON string holds as they are, and the escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const NOT_PLAIN = /["\\\u0000-\u001f]/;

/** What stands between the quotes of a string in JSON, as the text that it means; undefined if that is no string. */
function textOf(literal: string): string | undefined {
  if (!NOT_PLAIN.test(literal)) return literal;
  const value = parseJson(`"${literal}"`)?.value;
  return typeof value === 'string' ? value : undefined;
}

/** Put where the text was, it must come out as the text of the only choice. */
const PROBE = 'another';

/** The text of a chunk that brings a text to its only choice, and neither an end nor a bill. */
function contentOf(data: string): unknown {
  const chunk = parseJson(data)?.value;
  if (!isObject(chunk) || !Array.isArray(chunk.choices) || chunk.choices.length !== 1 || isObject(chunk.usage)) return;
  const [choice]: unknown[] = chunk.choices;
  if (!isObject(choice) || !isObject(choice.delta)) return;
  const ends = [chunk.finish_reason, choice.finish_reason].some((reason) => reason != null && reason !== '');
  return ends ? undefined : choice.delta.content;
}

function likeness(): Likeness {
  let before = '';
  let after = '';
  let choice = 0;
  let misses = 0;
  return {
    read(data) {
      const length = before.length + after.length;
      // An empty text is no event, and a shorter chunk is one of another kind.
      if (before === '' || data.length <= length) return undefined;
      // In workerd two parts of a text are compared faster than `startsWith` looks for one.
      if (data.slice(0, before.length) !== before || data.slice(-after.length) !== after) return undefined;
      const text = textOf(data.slice(before.length, data.length - after.length));
      if (text === undefined) return undefined;
      misses = 0;
      return { choice, text };
    },
    learn(data, events) {
      const [only] = events;
      if (misses === MAX_MISSES || events.length !== 1 || only?.type !== 'text' || only.logprobs) return;
      misses++;
      const field = data.indexOf(FIELD);
      if (field < 0 || field !== data.lastIndexOf(FIELD)) return;
      const from = data.indexOf('"', field + FIELD.length) + 1;
      const to = data.indexOf('"', from);
      if (from === 0 || data.slice(from, to) !== only.text) return;
      const around = { before: data.slice(0, from), after: data.slice(to) };
      if (contentOf(`${around.before}${PROBE}${around.after}`) !== PROBE) return;
      ({ before, after } = around);
      choice = only.choice;
    },
  };
}

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
 * A stream is complete when every choice has finished. `[DONE]` ends it at once, because some servers keep the connection
 * open after it. It is not required, because others do not send it. Any other end is `stream_interrupted`, or the error
 * that the server sent.
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
  // Completions and log probabilities have more to read than a text.
  const alike = job.kind === 'chat' && job.sampling.logprobs === undefined ? likeness() : undefined;
  const utf8 = new TextDecoder();
  let batch: Event[] = [];
  let done = false;
  let ended = false;
  /** An event has come. `plain` is the text that came before the first one. */
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
      mapper.readText(like.choice, like.text, batch);
      return;
    }
    const json = parseJson(data);
    if (event === 'error') throw errorEvent(json ? json.value : data, upstream);
    if (json) {
      const from = batch.length;
      mapper.read(json.value, batch);
      alike?.learn(data, batch.slice(from));
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

  async function next(): Promise<Uint8Array | undefined> {
    try {
      return await (mapper.settled ? readWithin(reader, PATIENCE_MS) : reader.read());
    } catch {
      // A broken connection counts as the end of the body: the completeness check then fails.
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
