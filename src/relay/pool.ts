/**
 * The money of a vote whose samples are attempts of their own: the first one holds what all of them can cost, and the
 * others take their parts from it, so that a vote never runs out of money half-way.
 */
import type { Admission, Covered, Need } from '../accounts/index.ts';
import type { AttemptEnd, GatewayError, NanoDollars } from '../core/index.ts';

export interface Pool {
  /** The account as one sample sees it; they count from 0. */
  sample(at: number): Admission;
  /** The first sample failed before anything was held. */
  failed(error: GatewayError): void;
  /** The vote is over: what is left of the first hold can be freed. */
  close(): void;
}

/** An equal part of an amount, rounded up, so that the parts are never less than the whole. */
const partOf = (amount: NanoDollars, parts: bigint): NanoDollars => (amount + parts - 1n) / parts;

interface Opened {
  readonly attempt: number;
  /** What all samples may cost together. Absent without a budget. */
  readonly held: NanoDollars | undefined;
}

export function pool(account: Admission, samples: number): Pool {
  const parts = BigInt(samples);
  let open: (opened: Opened) => void = () => undefined;
  let fail: (error: GatewayError) => void = () => undefined;
  let opened: Opened | undefined;
  const opening = new Promise<Opened | { readonly error: GatewayError }>((resolve) => {
    open = resolve;
    fail = (error) => resolve({ error });
  });
  /** How the first attempt ended, which is not told while others take from its hold. */
  let first: AttemptEnd | undefined;
  let closed = false;

  const perPart = ({ cover, ...need }: Need): Need =>
    cover
      ? { ...need, cover: { most: partOf(cover.most, parts), least: partOf(cover.least, parts) }, tokens: 0 }
      : { ...need, tokens: 0 };

  /** What is held for one part, as if it were for all: offers are priced for all samples together. */
  const forAll = (covered: Covered): Covered =>
    covered.kind === 'held' && covered.held !== undefined ? { ...covered, held: covered.held * parts } : covered;

  /** The first attempt of all. Its hold is for every sample. */
  async function begin(need: Need): Promise<Covered> {
    const cover = need.cover && { most: partOf(need.cover.most, parts) * parts, least: need.cover.least + parts };
    const covered = await account.cover({ ...need, ...(cover ? { cover } : {}) });
    if (covered.kind === 'refused') return covered;
    // Each part is rounded up, so one nano-dollar a sample is left out.
    const enough = !cover || covered.held === undefined || covered.held >= cover.most;
    const held = enough ? covered.held : (covered.held ?? 0n) - parts;
    opened = { attempt: covered.attempt, held };
    open(opened);
    return held === undefined ? covered : { ...covered, held };
  }

  /** The first attempt of another sample takes its part. */
  async function join(need: Need): Promise<Covered> {
    const known = await opening;
    if ('error' in known) return { kind: 'refused', error: known.error };
    const { cover } = need;
    if (!cover) return account.cover(perPart(need));
    const all = known.held !== undefined && known.held < cover.most ? known.held : cover.most;
    const part = partOf(all, parts);
    const covered = await account.cover({ ...perPart(need), cover: { most: part, least: part }, from: known.attempt });
    return covered.kind === 'held' && covered.held !== undefined && covered.held >= part
      ? { ...covered, held: all }
      : forAll(covered);
  }

  return {
    sample(at) {
      let asked = 0;
      return {
        budgeted: account.budgeted,
        cheaper: account.cheaper,
        metered: account.metered,
        parts: samples,
        get refusal() {
          return account.refusal;
        },
        admitted: () => account.admitted(),
        cover(need) {
          if (!account.budgeted) return account.cover(at === 0 && asked++ === 0 ? need : { ...need, tokens: 0 });
          if (at === 0 && !opened) return begin(need);
          if (asked++ === 0 && at > 0) return join(need);
          // Another offer, after one that failed: its part is held beside the pool.
          const covering = account.cover(perPart(need));
          return covering instanceof Promise ? covering.then(forAll) : forAll(covering);
        },
        end(end) {
          if (!closed && end.attempt === opened?.attempt) first = end;
          else account.end(end);
        },
      };
    },
    failed: (error) => fail(error),
    close() {
      closed = true;
      if (first) account.end(first);
      first = undefined;
    },
  };
}
