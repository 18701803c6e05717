import {
  abortReason,
  asGatewayError,
  type Background,
  type Event,
  GatewayError,
  type Generation,
  type Job,
  type PromptJob,
} from '../../src/core/index.ts';
import { answer } from './answer.ts';
import type { ReplicateApi } from './api.ts';
import { type Lease, lease } from './lease.ts';
import type { Prediction } from './prediction.ts';
import { createRequest } from './request.ts';
import { within } from './time.ts';

/** How long a cancel may take, in ms, and how long a create is waited for whose caller has left. */
const CANCEL_MS = 5_000;
const ORPHAN_MS = 10_000;

interface Upstream {
  readonly api: ReplicateApi;
  readonly background: Background;
}

/**
 * Cancels a prediction whatever has become of the caller, in the background. Never rejects: where Replicate does not answer,
 * `Cancel-After` is the backstop.
 */
const canceler =
  ({ api, background }: Upstream, id: string) =>
  (): void => {
    const canceled = within(CANCEL_MS, new AbortController().signal, (limited) => api.cancel(id, limited));
    background(canceled.catch(() => undefined));
  };

/**
 * Creates the prediction. An abort rejects at once, but does not abort the request: a prediction can be canceled only by
 * its id, which comes with the answer, so that a caller who leaves in between would pay for an answer nobody reads.
 */
function create(upstream: Upstream, job: PromptJob, signal: AbortSignal): Promise<Prediction> {
  const request = createRequest(job);
  const own = new AbortController();
  return new Promise((resolve, reject) => {
    let orphan: ReturnType<typeof setTimeout> | undefined;
    const onAbort = () => {
      orphan = setTimeout(() => own.abort(), ORPHAN_MS);
      reject(abortReason(signal).with({ maybeBilled: true }));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const created = upstream.api
      .create(request, own.signal)
      .then((prediction) => {
        if (!signal.aborted) resolve(prediction);
        else if (prediction.state.kind === 'running') canceler(upstream, prediction.id)();
      })
      // After an abort this is heard by nobody, which is right: Cancel-After is the backstop.
      .catch(reject)
      .finally(() => {
        clearTimeout(orphan);
        signal.removeEventListener('abort', onAbort);
      });
    // A caller who leaves takes the isolate along, unless something holds it until the answer is read and canceled.
    upstream.background(created);
  });
}

/** The events, with every failure typed, and with the prediction canceled if they are not read to their end. */
function guarded(source: AsyncGenerator<Event[], void, undefined>, hold: Lease, id: string): AsyncIterable<Event[]> {
  const fail = (error: unknown): GatewayError => {
    const { code, message, details } = asGatewayError(error);
    // The prediction was made, so that whatever went wrong since, the same work must not be ordered again.
    return new GatewayError(code, message, {
      provider: 'replicate',
      upstreamRequestId: id,
      maybeBilled: true,
      ...details,
    });
  };
  const iterator: AsyncIterator<Event[], void, undefined> = {
    async next() {
      try {
        const turn = await source.next();
        if (turn.done) hold.settle();
        return turn;
      } catch (error) {
        hold.abandon();
        throw fail(error);
      }
    },
    async return() {
      // First, because a read may be pending, which would keep the source from ending.
      hold.abandon();
      await source.return();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** One prediction for one job. Rejects with a GatewayError if it could not be created. */
export async function generate(upstream: Upstream, job: Job, signal: AbortSignal): Promise<Generation> {
  if (job.kind !== 'prompt' || job.api !== 'predictions') {
    throw new GatewayError('internal', 'A job that is not a prediction was sent to Replicate.', {
      provider: 'replicate',
    });
  }
  if (signal.aborted) throw abortReason(signal);
  const created = await create(upstream, job, signal);
  const hold = lease(signal, canceler(upstream, created.id));
  if (created.state.kind !== 'running') hold.settle();
  if (signal.aborted) throw abortReason(signal).with({ maybeBilled: true });
  return {
    events: guarded(answer(upstream.api, job, created, hold), hold, created.id),
    upstreamId: created.id,
    starting: created.starting,
  };
}
