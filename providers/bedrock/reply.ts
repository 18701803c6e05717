import type { Event } from '../../src/core/index.ts';
import type { HttpHead } from './handler.ts';

/** What an API gives for a job: events, and the head of the answer they come from. */
export interface Reply {
  readonly events: AsyncGenerator<Event[], void, undefined>;
  readonly head: HttpHead;
}
