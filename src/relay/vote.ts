/**
 * Carries a vote: asks for samples in the cheaper of two ways, counts them as they come, and stops as soon as the
 * outcome is decided.
 */
import type { Admission } from '../accounts/index.ts';
import {
  abortReason,
  addUsage,
  asGatewayError,
  type Call,
  type Event,
  GatewayError,
  type NanoDollars,
  onlyBatch,
  type Usage,
  type Vote,
  withSamples,
} from '../core/index.ts';
import {
  type Candidate,
  mostForSample,
  type OfferSheet,
  promptsSaved,
  type Receipt,
  receiptOf,
  sumReceipts,
} from '../offers/index.ts';
import { ballotOf, type Sample, samplesIn } from './ballots.ts';
import { type Carried, carry, type Relay } from './carry.ts';
import { type Cast, type Count, count } from './decide.ts';
import { pool } from './pool.ts';

/**
 * Samples that are asked for at once. Workers lets six requests of a call wait for their headers. Beyond them no more
 * are under way than could decide the vote.
 */
const WIDTH = 5;

/** What came of a vote. */
export interface VoteResult extends Count {
  /** Samples that answered, those that were stopped on their way, and those that no offer could serve. */
  readonly samples: number;
  readonly cancelled: number;
  readonly failed: number;
  /** All samples came from one request, or each from its own. */
  readonly together: boolean;
  readonly receipt: Receipt;
  /** The most that the cancelled samples may be billed; undefined if there is no bound. */
  readonly cancelledAtMost: NanoDollars | undefined;
  /**
   * What all samples of the vote, each a request of its own, would have cost beyond `receipt`; undefined if unknown.
   */
  readonly saved: NanoDollars | undefined;
}

export interface CarriedVote extends Carried {
  readonly vote: VoteResult;
}

interface Collected {
  readonly carried: Carried;
  readonly events: readonly Event[];
  readonly usage: Usage | undefined;
}

async function collected(carried: Carried): Promise<Collected> {
  const events: Event[] = [];
  let usage: Usage | undefined;
  for await (const batch of carried.events) {
    for (const event of batch) {
      if (event.type === 'usage') usage = event.usage;
      else events.push(event);
    }
  }
  return { carried, events, usage };
}

/** The events of one choice, as those of an answer with no other. */
const choiceOf = (events: readonly Event[], choice: number): Event[] =>
  events.flatMap((event) => (event.type !== 'usage' && event.choice === choice ? [{ ...event, choice: 0 }] : []));

const asksForJson = (call: Call): boolean => call.kind === 'chat' && call.responseFormat !== undefined;

const receiptFor = ({ carried, usage }: Collected): Receipt | undefined => usage && receiptOf(carried.offer, [], usage);

/** Attempts that failed and may be billed, each for one of `samples`. */
function failedAttempts(offers: readonly (Candidate | undefined)[], samples: number): Receipt['failed'] {
  if (offers.length === 0) return undefined;
  let atMost: NanoDollars | undefined = 0n;
  for (const offer of offers) {
    const most = offer && mostForSample(offer, samples);
    atMost = atMost === undefined || most === undefined ? undefined : atMost + most;
  }
  return { count: offers.length, atMost };
}

const totalOf = (receipt: Receipt | undefined): NanoDollars | undefined =>
  receipt?.cost.known ? receipt.cost.total : undefined;

/** One carried call as the answer of a vote: the events of its winner, and the usage of all samples. */
function answered(winner: Carried, events: Event[], usage: Usage | undefined, vote: VoteResult): CarriedVote {
  if (usage) events.push({ type: 'usage', usage });
  return { ...winner, events: onlyBatch(events), vote };
}

/** @param call with a vote: its sheet is that of all samples (`withSamples`) */
export async function carryVote(
  call: Call & { readonly vote: Vote },
  sheet: OfferSheet,
  caller: AbortSignal,
  relay: Relay,
  account?: Admission,
): Promise<CarriedVote> {
  const [first] = sheet.eligible;
  const whole: Call = { ...call, stream: false };
  return first?.nativeN
    ? inOneRequest(call, whole, sheet, caller, relay, account)
    : inSeveral(call, whole, sheet, caller, relay, account);
}

/** Nothing can be stopped, because all samples end with the one answer. */
async function inOneRequest(
  { vote }: { readonly vote: Vote },
  call: Call,
  sheet: OfferSheet,
  caller: AbortSignal,
  relay: Relay,
  account: Admission | undefined,
): Promise<CarriedVote> {
  const { carried, events, usage } = await collected(await carry(withSamples(call), sheet, caller, relay, account));
  const casts = samplesIn(events, vote.samples).map((sample, at): Cast => {
    // One bill for all: of two samples the shorter was the cheaper.
    return { at, answer: ballotOf(sample, vote.rule, asksForJson(call)), cost: BigInt(lengthOf(sample)) };
  });
  const counted = count(casts, 0, vote.samples, vote.minAgreement);
  const receipt = usage ? receiptOf(carried.offer, carried.maybeBilled, usage) : sumReceipts([]);
  return answered(carried, choiceOf(events, counted.winner ?? 0), usage, {
    ...counted,
    samples: casts.length,
    cancelled: 0,
    failed: 0,
    together: true,
    receipt,
    cancelledAtMost: 0n,
    saved: promptsSaved(carried.offer, vote.samples),
  });
}

const lengthOf = ({ text, toolCalls }: Sample): number =>
  toolCalls.filter(Boolean).reduce((sum, { arguments: args }) => sum + args.length, text.length);

/** With one seed all samples would be the same. */
function sampleAt(call: Call, at: number): Call {
  const { seed } = call.sampling;
  return at === 0 || seed === undefined ? call : { ...call, sampling: { ...call.sampling, seed: seed + at } };
}

/**
 * The error of a vote of which no sample was served: that of its first sample, or where they differ the one that asks
 * for a wait, with the attempts of all.
 */
function allFailed(errors: readonly GatewayError[]): GatewayError {
  const [first = new GatewayError('internal', 'A vote ended without an answer.')] = errors;
  const waits = errors.flatMap(({ details }) => details.retryAfterMs ?? []);
  const { code, message, details } = errors.find((error) => error.details.retryAfterMs !== undefined) ?? first;
  return new GatewayError(code, `None of the ${errors.length} samples that were asked for was served. ${message}`, {
    ...details,
    ...(waits.length > 0 ? { retryAfterMs: Math.min(...waits) } : {}),
    attempts: errors.flatMap((error) => error.details.attempts ?? []),
  });
}

type Ended =
  | { readonly at: number; readonly kind: 'answered'; readonly got: Collected }
  | { readonly at: number; readonly kind: 'failed'; readonly error: GatewayError };

async function inSeveral(
  { vote }: { readonly vote: Vote },
  call: Call,
  sheet: OfferSheet,
  caller: AbortSignal,
  relay: Relay,
  account: Admission | undefined,
): Promise<CarriedVote> {
  const { samples, rule, minAgreement } = vote;
  const running = new Map<number, { readonly controller: AbortController; readonly ended: Promise<Ended> }>();
  const answers = new Map<number, Collected>();
  const casts: Cast[] = [];
  const errors: GatewayError[] = [];
  // The platform counts the requests of the call, whichever sample they are for.
  const own: Relay = { ...relay, subrequests: Math.max(1, Math.floor(relay.subrequests / samples)) };
  // An offer with `n` is priced for one request. Apart, its prompts might cost more than the call may.
  const bounded = call.routing.maxCost !== undefined;
  const offers = bounded ? { ...sheet, eligible: sheet.eligible.filter(({ nativeN }) => !nativeN) } : sheet;
  const begun = relay.clock.now();
  const totalMs = Math.min(call.timeoutMs ?? Number.POSITIVE_INFINITY, relay.timeouts.totalMs);
  const money = account && pool(account, samples);
  let asked = 0;

  function ask(): void {
    const at = asked++;
    const controller = new AbortController();
    // All samples share the deadline of the call.
    const spent = relay.clock.now() - begun;
    const sample = sampleAt(spent > 0 ? { ...call, timeoutMs: Math.max(1, totalMs - spent) } : call, at);
    const ended = carry(sample, offers, controller.signal, own, money?.sample(at))
      .then(collected)
      .then(
        (got): Ended => ({ at, kind: 'answered', got }),
        (thrown: unknown): Ended => {
          const error = asGatewayError(thrown);
          if (at === 0) money?.failed(error);
          return { at, kind: 'failed', error };
        },
      );
    running.set(at, { controller, ended });
  }
  const stop = (why: unknown) => {
    for (const { controller } of running.values()) controller.abort(why);
  };
  const onCallerGone = () => stop(caller.reason);
  caller.addEventListener('abort', onCallerGone, { once: true });

  const now = (): Count => count(casts, samples - casts.length - errors.length, samples, minAgreement);
  let counted = now();
  try {
    while (!counted.decided) {
      if (caller.aborted) throw abortReason(caller);
      const wanted = Math.min(WIDTH, asked < WIDTH ? WIDTH : counted.wanting);
      while (asked < samples && running.size < wanted) ask();
      const ended = await Promise.race([...running.values()].map((one) => one.ended));
      running.delete(ended.at);
      if (ended.kind === 'failed') {
        errors.push(ended.error);
      } else {
        const { at, got } = ended;
        answers.set(at, got);
        const [sample] = samplesIn(got.events, 1);
        casts.push({
          at,
          answer: sample && ballotOf(sample, rule, asksForJson(call)),
          cost: totalOf(receiptFor(got)),
        });
      }
      counted = now();
    }
  } finally {
    caller.removeEventListener('abort', onCallerGone);
    stop(new GatewayError('canceled', 'The vote was decided without this sample.'));
    money?.close();
  }

  const winner = counted.winner === undefined ? undefined : answers.get(counted.winner);
  if (!winner) throw allFailed(errors);
  const all = [...answers.entries()].sort(([a], [b]) => a - b).map(([, got]) => got);
  const usages = all.flatMap(({ usage }) => usage ?? []);
  const [firstUsage, ...otherUsages] = usages;
  const [likely] = sheet.eligible;
  const lost = errors.flatMap(({ details }) => details.attempts ?? []);
  const failed = failedAttempts(
    [
      ...all.flatMap(({ carried }) => carried.maybeBilled),
      ...lost.filter((attempt) => attempt.maybe_billed).map(() => likely),
    ],
    samples,
  );
  const summed = sumReceipts(all.map(receiptFor));
  const receipt = failed ? { ...summed, failed } : summed;
  const cost = totalOf(receipt);
  const cancelled = running.size;
  const most = likely && mostForSample(likely, samples);
  return answered(
    {
      ...winner.carried,
      attempts: [...all.flatMap(({ carried }) => carried.attempts), ...lost],
      maybeBilled: all.flatMap(({ carried }) => carried.maybeBilled),
    },
    [...winner.events],
    firstUsage && otherUsages.reduce(addUsage, firstUsage),
    {
      ...counted,
      samples: casts.length,
      cancelled,
      failed: errors.length,
      together: false,
      receipt,
      cancelledAtMost: cancelled === 0 ? 0n : most === undefined ? undefined : most * BigInt(cancelled),
      // Samples that failed would not have been paid for either.
      saved:
        cost === undefined ? undefined : (cost * BigInt(samples - errors.length - casts.length)) / BigInt(casts.length),
    },
  );
}
