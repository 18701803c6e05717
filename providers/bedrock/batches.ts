import type { Reads } from './reads.ts';

const DRAINED = Symbol('drained');

/**
 * What the SDK decodes one by one, in batches: one for each network read. A read is over when the decoder asks for the
 * next one, so that nothing waits for a timer or for bytes that have not come.
 * What was decoded before a failure comes out before it.
 */
export async function* batches<T>(events: AsyncIterable<T>, reads: Reads): AsyncGenerator<T[], void, undefined> {
  const iterator = events[Symbol.asyncIterator]();
  let batch: T[] = [];
  for (;;) {
    const next = iterator.next();
    // If the reader leaves while the batch is out, nobody awaits this one.
    next.catch(() => undefined);
    let turn: IteratorResult<T>;
    try {
      if (batch.length > 0) {
        const first = await Promise.race([next, reads.drained().then(() => DRAINED)]);
        if (first === DRAINED) {
          yield batch;
          batch = [];
        }
      }
      turn = await next;
    } catch (error) {
      if (batch.length > 0) yield batch;
      throw error;
    }
    if (turn.done) break;
    batch.push(turn.value);
  }
  if (batch.length > 0) yield batch;
}
