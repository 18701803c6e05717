/** Works out how an attempt ended, in tokens and in money, and tells the call's account once. */
import type { Admission } from '../accounts/index.ts';
import type { AttemptEnd, ErrorCode, GatewayError, MoneyOutcome, NanoDollars, Usage } from '../core/index.ts';
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

export interface BookOptions {
  readonly account: Admission;
  /** The attempt's number. */
  readonly attempt: number;
  readonly offer: Candidate;
  /** What is held for it. */
  readonly held: NanoDollars | undefined;
  readonly clock: Clock;
}

export function attemptBook({ account, attempt, offer, held, clock }: BookOptions): AttemptBook {
  let first: number | undefined;
  let open = true;

  function end(
    outcome: 'ok' | ErrorCode,
    money: Money,
    more: Omit<Partial<AttemptEnd>, 'finish' | 'upstreamId'> & AnswerFacts = {},
  ): void {
    if (!open) return;
    open = false;
    const { finish, upstreamId, ...rest } = more;
    account.end({
      attempt,
      outcome,
      ...money,
      ...(first === undefined ? {} : { first }),
      ended: clock.now(),
      ...(finish === undefined ? {} : { finish }),
      ...(upstreamId === undefined ? {} : { upstreamId }),
      ...rest,
    });
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
