import { type Event, GatewayError } from '../../src/core/index.ts';
import { batches } from './batches.ts';
import { interrupted, withRequest } from './errors.ts';
import type { HttpHead } from './handler.ts';
import type { Reads } from './reads.ts';
import type { Reply } from './reply.ts';

/** Turns what one stream says into events; each adds to `out`. */
export interface Decoder<T> {
  read(said: T, out: Event[]): void;
  /** All has been said that ever is: what may follow is not waited for. */
  complete(): boolean;
  /** The last events. False: the stream ended before the answer did. */
  end(out: Event[]): boolean;
}

/** A stream's events, one batch for each network read that says something. */
export async function* decode<T>(
  stream: AsyncIterable<T> | undefined,
  reads: Reads,
  decoder: Decoder<T>,
): AsyncGenerator<Event[], void, undefined> {
  if (!stream) throw interrupted();
  let events: Event[] = [];
  try {
    for await (const batch of batches(stream, reads)) {
      for (const said of batch) decoder.read(said, events);
      if (decoder.complete()) break;
      if (events.length === 0) continue;
      yield events;
      events = [];
    }
    if (!decoder.end(events)) throw interrupted();
  } catch (error) {
    // What came before the failure is true all the same.
    if (events.length > 0) yield events;
    throw error;
  } finally {
    if (decoder.complete()) reads.linger();
    else reads.close();
  }
  yield events;
}

async function* once(events: Event[]): AsyncGenerator<Event[], void, undefined> {
  yield events;
}

/** An answer that came in one piece, as the one batch it is. */
export function whole(head: HttpHead, read: () => Event[]): Reply {
  try {
    return { head, events: once(read()) };
  } catch (thrown) {
    throw thrown instanceof GatewayError ? withRequest(thrown, head) : thrown;
  }
}
