import type { Event, FinishReason, PromptJob } from '../../src/core/index.ts';
import type { ReplicateApi } from './api.ts';
import {
  abortedError,
  canceledError,
  engineCode,
  interrupted,
  lostError,
  PROMPT_TOO_LONG,
  predictionError,
} from './errors.ts';
import type { Lease } from './lease.ts';
import { figures, poll } from './poll.ts';
import { type Prediction, type State, usageOf } from './prediction.ts';
import { listen, type StreamEnd } from './stream.ts';

const CHOICE = 0;
const textEvent = (text: string): Event => ({ type: 'text', choice: CHOICE, text });

/** SSE cannot carry a carriage return, so that the streamed text may differ from the output by it. */
const lineEnds = (text: string): string => text.replace(/\r\n?/g, '\n');

/** What of `whole` has not been said yet, or undefined if it does not begin with what has. */
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

/** The last batch of an answer: its finish, and the figures if there are any. */
function ending(reason: FinishReason, native: string, prediction: Prediction | undefined): Event[] {
  const usage = prediction && usageOf(prediction);
  const finish: Event = { type: 'finish', choice: CHOICE, reason, native };
  return usage ? [finish, { type: 'usage', usage }] : [finish];
}

/** An engine that runs into its context limit while it writes fails, and has nevertheless answered. */
const ranIntoLimit = (error: string, said: string): boolean => said !== '' && engineCode(error) === PROMPT_TOO_LONG;

/** The rest of an answer whose prediction has ended, `said` being out already. Throws what it failed with. */
function conclude(job: PromptJob, prediction: Prediction, said: string): Event[] {
  const { state } = prediction;
  const close = (whole: string, reason: FinishReason): Event[] => {
    const rest = remainder(said, whole);
    if (rest === undefined) throw interrupted();
    return [...(rest ? [textEvent(rest)] : []), ...ending(reason, state.kind, prediction)];
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

/** Ends that a stream's plain `done` does not outweigh. */
const NOT_DONE: ReadonlySet<State['kind']> = new Set<State['kind']>(['failed', 'canceled', 'aborted']);

/** What follows a stream that said how it ended. */
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
      return [...(rest ? [textEvent(rest)] : []), ...ending(finishReason(job, prediction), 'succeeded', prediction)];
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

/** Everything that a created prediction will say, in batches. Throws the GatewayError it ends in, if it does. */
export async function* answer(
  api: ReplicateApi,
  job: PromptJob,
  created: Prediction,
  hold: Lease,
): AsyncGenerator<Event[], void, undefined> {
  const { signal } = hold;
  let said = '';
  let cut = false;
  let latest = created;

  if (job.stream && created.state.kind === 'running' && created.streamUrl) {
    const stream = listen(api, created.streamUrl, signal);
    let turn = await stream.next();
    for (; !turn.done; turn = await stream.next()) {
      said += turn.value;
      yield [textEvent(turn.value)];
    }
    const end = turn.value;
    if (end.kind !== 'cut') {
      hold.settle();
      yield await afterStream(end, said, job, () => figures(api, created.id, signal));
      return;
    }
    cut = true;
  }

  if (latest.state.kind === 'running') {
    const looks = poll(api, created.id, signal);
    try {
      let turn = await looks.next();
      for (; !turn.done; turn = await looks.next()) {
        // While it runs its output only grows; what was asked for in one piece is not begun before it is whole.
        const rest = job.stream ? remainder(said, turn.value.said) : '';
        // That it grows is a sign of life all the same, which an empty batch is.
        if (!job.stream && turn.value.said.length > latest.said.length) yield [];
        if (!job.stream) latest = turn.value;
        if (!rest) continue;
        said += rest;
        yield [textEvent(rest)];
      }
      latest = turn.value;
    } catch (error) {
      // Of a stream that ended early, and a prediction that cannot be read, only so much is known.
      throw cut && !signal.aborted ? interrupted() : error;
    }
  }
  hold.settle();
  yield conclude(job, latest, said);
}
