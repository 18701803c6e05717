/**
 * Follows a created prediction to its end: its event stream first, polling where there is none or it is cut, and then
 * what the prediction itself says. Written by hand and not as async generators, which cost several turns of the
 * microtask queue for each read.
 */
import {
  asGatewayError,
  type Event,
  type FinishReason,
  type PromptJob,
  sleep,
  withTimeout,
} from '../../src/core/index.ts';
import {
  openStream,
  type Prediction,
  type PredictionState,
  type PredictionStream,
  type ReplicateApi,
  type StreamEnd,
  type StreamRead,
  usageOf,
} from './api.ts';
import {
  abortedError,
  canceledError,
  engineCode,
  interrupted,
  lostError,
  PROMPT_TOO_LONG,
  predictionError,
  tooLate,
} from './errors.ts';

const CHOICE = 0;
const textEvent = (text: string): Event => ({ type: 'text', choice: CHOICE, text });
/** A text as a batch begins with it, if there is any. */
const textEvents = (text: string | undefined): Event[] => (text ? [textEvent(text)] : []);

/** SSE cannot carry a carriage return, so the streamed text may differ from the output by it. */
const lineEnds = (text: string): string => text.replace(/\r\n?/g, '\n');

/** What of `whole` has not been sent yet, or undefined if it does not begin with what has. */
function remainder(said: string, whole: string): string | undefined {
  if (whole.startsWith(said)) return whole.slice(said.length);
  const plain = lineEnds(whole);
  return plain.startsWith(said) ? plain.slice(said.length) : undefined;
}

/** Replicate reports no reason: an answer as long as it was allowed to be was cut there. */
function finishReason(job: PromptJob, prediction: Prediction | undefined): FinishReason {
  const made = prediction?.outputTokens;
  return made !== undefined && job.maxTokens !== undefined && made >= job.maxTokens ? 'length' : 'stop';
}

/** The last batch of an answer: its finish, and the usage if Replicate has it. */
function ending(reason: FinishReason, native: string, prediction: Prediction | undefined): Event[] {
  const usage = prediction && usageOf(prediction);
  const finish: Event = { type: 'finish', choice: CHOICE, reason, native };
  return usage ? [finish, { type: 'usage', usage }] : [finish];
}

/** An engine that reaches its context limit while it writes fails. The answer is nevertheless there. */
const ranIntoLimit = (error: string, said: string): boolean => said !== '' && engineCode(error) === PROMPT_TOO_LONG;

/** The rest of an answer whose prediction has ended, `said` being out already. Throws the error it ended in. */
export function conclude(job: PromptJob, prediction: Prediction, said: string): Event[] {
  const { state } = prediction;
  const close = (whole: string, reason: FinishReason): Event[] => {
    const rest = remainder(said, whole);
    if (rest === undefined) throw interrupted();
    return [...textEvents(rest), ...ending(reason, state.kind, prediction)];
  };
  switch (state.kind) {
    case 'succeeded':
      return close(state.text, finishReason(job, prediction));
    case 'failed':
      if (ranIntoLimit(state.error, said || prediction.said)) return close(prediction.said || said, 'length');
      throw predictionError(state.error);
    case 'lost':
      throw said ? interrupted() : lostError();
    case 'canceled':
      throw canceledError();
    case 'aborted':
      throw abortedError();
    case 'running':
      throw interrupted();
  }
}

/** How long to wait before each look, in ms. The last one repeats. Replicate allows 3000 reads a minute. */
const WAITS = [100, 200, 400, 700, 1000] as const;
const wait = (turn: number): number => WAITS[Math.min(turn, WAITS.length - 1)] ?? 1000;

/** Limit of one look, in ms. */
const LOOK_MS = 10_000;
/** How many looks in a row may fail before we give up. Reading is free and changes nothing. */
const MAX_FAILURES = 5;

/**
 * Looks at a prediction again and again: each call resolves to what the next successful look found. Bounded by the
 * signal alone. Rejects with the last error when several looks fail in a row, or with one that cannot pass.
 */
function poller(api: ReplicateApi, id: string, signal: AbortSignal): () => Promise<Prediction> {
  let failures = 0;
  let turn = 0;
  let pause = 0;
  return async () => {
    for (;;) {
      if (pause > 0) await sleep(pause, signal);
      pause = wait(turn++);
      try {
        const prediction = await withTimeout(LOOK_MS, signal, tooLate, (limited) => api.get(id, limited));
        failures = 0;
        return prediction;
      } catch (error) {
        const failure = asGatewayError(error);
        if (signal.aborted || !failure.retryable || ++failures >= MAX_FAILURES) throw failure;
        pause = Math.max(pause, failure.details.retryAfterMs ?? 0);
      }
    }
  };
}

/** The metrics appear a moment after the end of the stream. We wait for them this many looks and this many ms. */
const FIGURES_LOOKS = 3;
const FIGURES_MS = 2_000;

/** The ended prediction, for its figures, or undefined if it cannot be had soon. Rejects only if the signal aborts. */
async function figures(api: ReplicateApi, id: string, signal: AbortSignal): Promise<Prediction | undefined> {
  try {
    return await withTimeout(FIGURES_MS, signal, tooLate, async (limited) => {
      for (let turn = 0; turn < FIGURES_LOOKS; turn++) {
        if (turn > 0) await sleep(wait(turn), limited);
        const prediction = await api.get(id, limited);
        if (prediction.state.kind !== 'running') return prediction;
      }
      return undefined;
    });
  } catch (error) {
    if (signal.aborted) throw error;
    // The answer itself is complete, so it goes out without figures.
    return undefined;
  }
}

/** States of a prediction that count more than a `done` event of its stream. */
const NOT_DONE: ReadonlySet<PredictionState['kind']> = new Set<PredictionState['kind']>([
  'failed',
  'canceled',
  'aborted',
]);

/** The last batch of a stream that said how it ended. `look` reads the ended prediction. */
async function afterStream(
  end: Exclude<StreamEnd, { kind: 'cut' }>,
  said: string,
  job: PromptJob,
  look: () => Promise<Prediction | undefined>,
): Promise<Event[]> {
  switch (end.kind) {
    case 'done': {
      const prediction = await look();
      const state = prediction?.state;
      if (prediction && state && NOT_DONE.has(state.kind)) return conclude(job, prediction, said);
      const rest = state?.kind === 'succeeded' ? remainder(said, state.text) : undefined;
      return [...textEvents(rest), ...ending(finishReason(job, prediction), 'succeeded', prediction)];
    }
    case 'failed': {
      if (ranIntoLimit(end.error, said)) return ending('length', 'failed', await look());
      const prediction = end.error ? undefined : await look();
      if (prediction?.state.kind === 'failed') return conclude(job, prediction, said);
      throw predictionError(end.error);
    }
    case 'canceled':
      throw canceledError();
  }
}

/** What `follow` needs: the signal at which to stop, and a function to call when there is nothing left to cancel. */
export interface Follower {
  readonly signal: AbortSignal;
  settle(): void;
}

/**
 * The events of a running prediction: one batch a call, undefined after the last. Rejects with the GatewayError that
 * the answer ends in. Call it again only when its last promise has settled.
 */
export function follow(
  api: ReplicateApi,
  job: PromptJob,
  created: Prediction,
  { signal, settle }: Follower,
): () => Promise<Event[] | undefined> {
  let said = '';
  let stream: PredictionStream | undefined;
  /** There was a stream, and it ended before it was done. */
  let cut = false;
  /** For an answer in one piece: how much of the output the last look saw. */
  let seen = created.said.length;
  const look = poller(api, created.id, signal);

  async function poll(): Promise<Event[]> {
    for (;;) {
      const prediction = await look().catch((error: unknown) => {
        // The stream was cut and the prediction cannot be read, so the answer's end is unknown.
        throw cut && !signal.aborted ? interrupted() : error;
      });
      if (prediction.state.kind !== 'running') {
        next = over;
        settle();
        return conclude(job, prediction, said);
      }
      if (job.stream) {
        // While it runs, its output only grows.
        const rest = remainder(said, prediction.said);
        if (!rest) continue;
        said += rest;
        return [textEvent(rest)];
      }
      // An answer that is not streamed is passed on when it is complete. An empty batch says that it is growing.
      if (prediction.said.length <= seen) continue;
      seen = prediction.said.length;
      return [];
    }
  }

  async function open(url: string): Promise<Event[] | undefined> {
    stream = await openStream(api, url, signal);
    cut = !stream;
    next = stream ? read : poll;
    return next();
  }

  const read = (): Promise<Event[] | undefined> => (stream ? stream.read().then(onRead) : poll());

  function onRead({ text, end }: StreamRead): Event[] | Promise<Event[] | undefined> {
    if (end) {
      cut = end.kind === 'cut';
      next = end.kind === 'cut' ? poll : () => close(end);
    }
    if (text === '') return next();
    said += text;
    return [textEvent(text)];
  }

  async function close(end: Exclude<StreamEnd, { kind: 'cut' }>): Promise<Event[]> {
    next = over;
    settle();
    try {
      return await afterStream(end, said, job, () => figures(api, created.id, signal));
    } finally {
      stream?.leave();
    }
  }

  const over = (): Promise<undefined> => Promise.resolve(undefined);
  const { streamUrl } = created;
  let next: () => Promise<Event[] | undefined> = job.stream && streamUrl ? () => open(streamUrl) : poll;
  return () => next();
}
