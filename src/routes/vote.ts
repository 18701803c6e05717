/** How votes are answered: what is said of their result, and streams that begin before there is one. */
import { type Event, formatDollars } from '../core/index.ts';
import type { StreamEncoder, WireVoteResult } from '../dialects/openai/index.ts';
import type { VoteResult } from '../relay/index.ts';
import { KEEP_ALIVE } from './sse.ts';

const dollars = (amount: bigint | undefined): string | null => (amount === undefined ? null : formatDollars(amount));

/** Answers are as long as a model likes. */
const MAX_OUTCOME = 500;
const shown = (answer: string): string => (answer.length > MAX_OUTCOME ? `${answer.slice(0, MAX_OUTCOME)}…` : answer);

/** A vote's result as JSON. */
export function voteRow(vote: VoteResult): WireVoteResult {
  const { cost } = vote.receipt;
  return {
    outcome: vote.outcome === null ? null : shown(vote.outcome),
    agreed: vote.outcome !== null,
    votes: Object.fromEntries(vote.votes.map(({ answer, votes }) => [shown(answer), votes])),
    abstentions: vote.abstentions,
    agreement: Math.round(vote.agreement * 1e4) / 1e4,
    samples: vote.samples,
    cancelled: vote.cancelled,
    cancelled_at_most: dollars(vote.cancelledAtMost),
    failed: vote.failed,
    asked: vote.together ? 'together' : 'separately',
    cost: dollars(cost.known ? cost.total : undefined),
    saved: dollars(vote.saved),
  };
}

/** A streamed vote is answered after this long even if it is not decided: then the stream begins with comments. */
const PATIENCE_MS = 2_000;

/** Whether work has ended, in whatever way, by then. */
export function isSettledSoon(work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), PATIENCE_MS);
    const settled = () => {
      clearTimeout(timer);
      resolve(true);
    };
    work.then(settled, settled);
  });
}

/** A stream that is ready to be sent. */
export interface OpenStream {
  readonly events: AsyncIterable<Event[]>;
  readonly encoder: StreamEncoder;
}

/**
 * A stream that begins before it is known who answers: with a comment, so that the caller knows that it is heard.
 *
 * @param unopened writes the error if nobody answers
 */
export function lateStream(opening: Promise<OpenStream>, unopened: StreamEncoder): OpenStream {
  let opened: StreamEncoder | undefined;
  // Its failure is told when the stream gets to it.
  opening.catch(() => undefined);
  async function* events(): AsyncGenerator<Event[], void, undefined> {
    yield [];
    const stream = await opening;
    opened = stream.encoder;
    yield* stream.events;
  }
  return {
    events: events(),
    encoder: {
      encode: (batch) => opened?.encode(batch) ?? KEEP_ALIVE,
      end: () => opened?.end() ?? '',
      fail: (error) => (opened ?? unopened).fail(error),
    },
  };
}
