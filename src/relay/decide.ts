/** The count of a vote. Pure: what is decided does not depend on the order in which answers come in. */
import type { NanoDollars } from '../core/index.ts';

/** What became of one sample. */
export interface Cast {
  /** Its place among the samples, from 0. */
  readonly at: number;
  /** What it votes for. Absent: it abstains. */
  readonly answer?: string | undefined;
  /** What it cost, or anything else by which samples are cheaper than others. */
  readonly cost?: NanoDollars | undefined;
}

export interface Count {
  /** Votes for each answer, most votes first. */
  readonly votes: readonly { readonly answer: string; readonly votes: number }[];
  readonly abstentions: number;
  /** The place of the sample to answer with: of the winner's voters the earliest, or of all if nobody votes. */
  readonly winner: number | undefined;
  /** What won, if as many agree as must. */
  readonly outcome: string | null;
  /** Share of the samples counted here that voted for the first answer. */
  readonly agreement: number;
  /** Whatever is still to come cannot change the outcome. */
  readonly decided: boolean;
  /** The fewest more samples that could decide it, if all of them agree with the leader. */
  readonly wanting: number;
}

interface Party {
  readonly answer: string;
  votes: number;
  cheapest: NanoDollars | undefined;
  earliest: number;
}

/** More votes first. Ties fall to the cheaper, then to the earlier. */
function before(a: Party, b: Party): number {
  if (a.votes !== b.votes) return b.votes - a.votes;
  if (a.cheapest !== b.cheapest) {
    if (a.cheapest === undefined || b.cheapest === undefined) return a.cheapest === undefined ? 1 : -1;
    return a.cheapest < b.cheapest ? -1 : 1;
  }
  return a.earliest - b.earliest;
}

const isLess = (a: NanoDollars | undefined, b: NanoDollars | undefined): boolean =>
  a !== undefined && (b === undefined || a < b);

/** Shares like 0.6 of 5 are not exact in binary. */
const EPSILON = 1e-9;

/**
 * @param open samples that have not answered yet and still may
 * @param samples how many there are in the whole vote: the share that must agree is one of all
 */
export function count(casts: readonly Cast[], open: number, samples: number, minAgreement = 0): Count {
  const parties = new Map<string, Party>();
  let abstentions = 0;
  let first: number | undefined;
  for (const { at, answer, cost } of casts) {
    if (first === undefined || at < first) first = at;
    if (answer === undefined) {
      abstentions++;
      continue;
    }
    const party = parties.get(answer);
    if (!party) parties.set(answer, { answer, votes: 1, cheapest: cost, earliest: at });
    else {
      party.votes++;
      if (isLess(cost, party.cheapest)) party.cheapest = cost;
      party.earliest = Math.min(party.earliest, at);
    }
  }
  const ranked = [...parties.values()].sort(before);
  const [leader, second] = ranked;
  const most = leader?.votes ?? 0;
  const rival = second?.votes ?? 0;
  const needed = Math.max(1, Math.ceil(minAgreement * samples - EPSILON));
  /** Whether it is over if so many more vote for the leader, and `left` are still to come then. */
  const isOver = (more: number, left: number): boolean => most + more > rival + left && most + more >= needed;
  const outOfReach = most + open < needed;
  const decided = open === 0 || outOfReach || isOver(0, open);
  let wanting = decided ? 0 : open;
  for (let more = open - 1; more > 0; more--) if (isOver(more, open - more)) wanting = more;
  return {
    votes: ranked.map(({ answer, votes }) => ({ answer, votes })),
    abstentions,
    winner: leader?.earliest ?? first,
    outcome: leader && most >= needed ? leader.answer : null,
    agreement: casts.length === 0 ? 0 : most / casts.length,
    decided,
    wanting: decided ? 0 : wanting,
  };
}
