import { abortReason, type Event, GatewayError, type Generation, type Job } from '../../src/core/index.ts';
import type { Bedrock } from './client.ts';
import { converse } from './converse/index.ts';
import { fromThrown, requestId } from './errors.ts';
import { invoke } from './invoke/index.ts';
import type { Reply } from './reply.ts';

function ask(bedrock: Bedrock, job: Job, signal: AbortSignal): Promise<Reply> {
  if (job.kind === 'chat' && job.api === 'converse') return converse(bedrock, job, signal);
  if (job.kind === 'prompt' && job.api === 'invoke') return invoke(bedrock, job, signal);
  throw new GatewayError('internal', 'A job for another API was sent to AWS Bedrock.', { provider: 'bedrock' });
}

/** Every failure typed; the upstream canceled if the reader leaves before the end. */
function guarded({ events, head }: Reply, own: AbortController, signal: AbortSignal, release: () => void) {
  const iterator: AsyncIterator<Event[], void, undefined> = {
    async next() {
      try {
        const turn = await events.next();
        if (signal.aborted) throw abortReason(signal);
        if (turn.done) release();
        return turn;
      } catch (thrown) {
        const error = fromThrown(thrown, signal, head);
        own.abort(error);
        release();
        throw error;
      }
    },
    async return() {
      // First, because a read may be pending, which would keep the source from ending.
      own.abort(new GatewayError('canceled', 'The answer was not read to its end.', { provider: 'bedrock' }));
      release();
      await events.return();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** One request for one job. The upstream is aborted when the signal is, and when the reader of the events leaves. */
export async function generate(bedrock: Bedrock, job: Job, signal: AbortSignal): Promise<Generation> {
  if (signal.aborted) throw abortReason(signal);
  const own = new AbortController();
  const onAbort = () => own.abort(abortReason(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  const release = () => signal.removeEventListener('abort', onAbort);
  try {
    const reply = await ask(bedrock, job, own.signal);
    const upstreamId = requestId(reply.head);
    return {
      events: guarded(reply, own, signal, release),
      ...(upstreamId === undefined ? {} : { upstreamId }),
    };
  } catch (thrown) {
    release();
    throw fromThrown(thrown, signal, { headers: {} });
  }
}
