/** Works out how an attempt ended, in tokens and in money, and tells the call's account once. */
import type { Admission } from '../accounts/index.ts';
import {
  type AttemptEnd,
  completionTokens,
  type ErrorCode,
  type GatewayError,
  type MoneyOutcome,
  type NanoDollars,
  promptTokens,
  type Usage,
} from '../core/index.ts';
import { type Candidate, mostForSample, receiptOf } from '../offers/index.ts';
import type { AnswerFacts, AttemptFailure } from './attempt.ts';
import type { Clock } from './timeouts.ts';

export interface AttemptBook {
  /** The first content is here. */
  begun(): void;
  /** The answer is complete. */
  complete(usage: Usage, facts?: AnswerFacts): void;
  /**
   * It ended after it had begun. What has come is what it is billed for, as far as anybody knows.
   *
   * @param gone the caller left, or nobody wanted the rest
   */
  stopped(error: GatewayError, usage: Usage | Promise<Usage>, facts: AnswerFacts, gone: boolean): void;
  /** It brought no answer. */
  failed(failure: AttemptFailure, gone: boolean): void;
}

interface Money {
  readonly money: MoneyOutcome;
  readonly cost?: NanoDollars;
  readonly priceRule?: string;
  readonly overrun?: true;
}

const RELEASED: Money = { money: 'released' };

type Counts = NonNullable<AttemptEnd['counts']>;

/** The tokens under other tokenizers; those that are too many are left out. */
async function countedBy(others: readonly Candidate[], countBy: AnswerFacts['countBy']): Promise<Counts> {
  const counts: Record<string, readonly [number, number]> = {};
  for (const { family, counter, prompt } of others) {
    await counter.load?.();
    const completion = countBy ? countBy(counter) : 0;
    if (completion !== undefined) counts[family] = [prompt.total, completion];
  }
  return counts;
}

export interface BookOptions {
  readonly account: Admission;
  /** The attempt's number. */
  readonly attempt: number;
  readonly offer: Candidate;
  /** What is held for it. */
  readonly held: NanoDollars | undefined;
  /** Upstream requests it consists of. */
  readonly requests: number;
  /** An offer of each other tokenizer family that could have served the call. Usually there is none. */
  readonly others: readonly Candidate[];
  readonly clock: Clock;
}

export function attemptBook({ account, attempt, offer, held, requests, others, clock }: BookOptions): AttemptBook {
  let first: number | undefined;
  let open = true;

  function end(
    outcome: 'ok' | ErrorCode,
    money: Money,
    more: Omit<Partial<AttemptEnd>, 'finish' | 'upstreamId'> & AnswerFacts = {},
  ): void {
    if (!open) return;
    open = false;
    const { finish, upstreamId, countBy, ...rest } = more;
    const { usage } = rest;
    const known: AttemptEnd = {
      attempt,
      outcome,
      ...money,
      ...(first === undefined ? {} : { first }),
      ended: clock.now(),
      ...(finish === undefined ? {} : { finish }),
      ...(upstreamId === undefined ? {} : { upstreamId }),
      ...(usage ? { counts: { [offer.family]: ownCount(usage) } } : {}),
      ...rest,
    };
    if (!usage || others.length === 0) account.end(known);
    else {
      // Counting is left until the answer is on its way.
      clock.after(0, () => {
        countedBy(others, countBy).then(
          (counts) => account.end({ ...known, counts: { ...known.counts, ...counts } }),
          () => account.end(known),
        );
      });
    }
  }

  /** As the provider counted it, without what its API reports beyond what the model reads. */
  function ownCount(usage: Usage): readonly [number, number] {
    const extra = usage.source === 'provider' ? offer.reportsExtra * requests : 0;
    return [Math.max(0, promptTokens(usage) - extra), completionTokens(usage)];
  }

  /** What an attempt costs that may have been billed, by the most that it can. */
  function atMost(): Money {
    const most = mostForSample(offer, account.parts);
    return most === undefined ? { money: 'unknown' } : { money: 'upper_bound', cost: most, ...ruleOf() };
  }

  const ruleOf = (): { priceRule?: string } => (offer.priced.known ? { priceRule: offer.priced.row.id } : {});

  function billed(usage: Usage): Money {
    const { cost } = receiptOf(offer, [], usage);
    if (!cost.known) return atMost();
    return {
      money: 'settled',
      cost: cost.total,
      priceRule: cost.rule,
      ...(held !== undefined && cost.total > held ? { overrun: true } : {}),
    };
  }

  return {
    begun() {
      first = clock.now();
    },
    complete(usage, facts = {}) {
      end('ok', billed(usage), { usage, ...facts });
    },
    stopped(error, usage, facts, gone) {
      const tell = (counted: Usage) =>
        end(error.code, billed(counted), {
          usage: counted,
          ...facts,
          ...(gone ? { canceled: true } : {}),
          undelivered: true,
        });
      if (usage instanceof Promise) {
        // Without its tokenizer nothing can be counted.
        usage.then(tell, () => end(error.code, atMost(), { ...facts, undelivered: true }));
      } else tell(usage);
    },
    failed({ error, maybeBilled }, gone) {
      const status = error.details.upstreamStatus;
      const more = {
        ...(status === undefined ? {} : { status }),
        ...(gone ? { canceled: true as const } : {}),
        ...(maybeBilled ? { undelivered: true as const } : {}),
      };
      const outcome = gone ? 'canceled' : error.code;
      if (!maybeBilled) return end(outcome, RELEASED, more);
      // Its bound depends on the prompt's tokens.
      const loading = offer.counter.load?.();
      if (!loading) return end(outcome, atMost(), more);
      loading.then(
        () => end(outcome, atMost(), more),
        () => end(outcome, { money: 'unknown' }, more),
      );
    },
  };
}
