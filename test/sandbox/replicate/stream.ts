import { sleep } from '../wait.ts';
import type { Frame } from '../wire/types.ts';
import { type Prediction, progress } from './predictions.ts';

/** How often a stream looks for new output, in ms. */
const TICK_MS = 5;

const event = (name: string, id: string, data: string, rest: Omit<Frame, 'data'> = {}): Frame => ({
  data: `event: ${name}\nid: ${id}\n${data
    .split('\n')
    .map((line) => `data: ${line}\n`)
    .join('')}\n`,
  ...rest,
});

const DONE: Readonly<Record<string, string>> = {
  succeeded: '{}',
  canceled: '{"reason": "canceled"}',
  aborted: '{"reason": "canceled"}',
  failed: '{"reason": "error"}',
};

/**
 * The server-sent events of a prediction: its output as it comes, then how it ended.
 * https://replicate.com/docs/topics/predictions/streaming
 */
export async function* framesOf(
  prediction: Prediction,
  lastEventId: string | null,
  signal: AbortSignal,
): AsyncGenerator<Frame, void, undefined> {
  const idOf = (sequence: number) => `${Math.floor(prediction.createdAt / 1000)}:${sequence}`;
  let sent = lastEventId === null ? 0 : Number(lastEventId.split(':')[1] ?? -1) + 1;
  yield { data: ': hi\n\n' };
  while (!signal.aborted) {
    const { pieces, status, completedAt } = progress(prediction, Date.now());
    while (sent < pieces) {
      const piece = prediction.output[sent] ?? '';
      yield event('output', idOf(sent), piece, { tokens: piece === '' ? 0 : 1 });
      sent++;
    }
    if (completedAt !== undefined) {
      if (status === 'failed') {
        yield event('error', idOf(sent++), JSON.stringify({ detail: prediction.fails?.error }), { terminal: true });
      }
      yield event('done', idOf(sent), DONE[status] ?? '{}', { terminal: true });
      return;
    }
    await sleep(TICK_MS, signal);
  }
}
