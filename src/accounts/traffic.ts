/** What was served on each day at each offer, for repricing: attempts whose tokens are known, and the rest. */
import { type CountedPart, dayOf, type MoneyOutcome, type Traffic, type TrafficPart } from '../core/index.ts';
import type { ReportDatabase } from './database.ts';
import { costsOf, countsOf, type LedgerRow } from './ledger-row.ts';
import { DAY_HOURS, type LedgerFilter, ofAccount, rollupsOf, Where } from './usage.ts';

export interface TrafficOfDays {
  readonly traffic: readonly Traffic[];
  /** Attempts whose tokens are not known, most of which failed. */
  readonly unmetered: Pick<CountedPart, 'attempts' | 'cost' | 'upperBound' | 'unknown'>;
}

export interface TrafficQuery extends LedgerFilter {
  /** Days since 1970, from the first to before the last. */
  readonly from: number;
  readonly to: number;
}

const OFFER = 'provider, service, model, upstream';

const DAY_MS = 86_400_000;

/** Reads a span of days. `db` must have its tables. */
export async function trafficOf(db: ReportDatabase, query: TrafficQuery): Promise<TrafficOfDays> {
  const { account, key, provider, model, from, to } = query;
  const parts = rollupsOf({ ...query, from: from * DAY_HOURS, to: to * DAY_HOURS }, []);
  const counted = ofAccount(new Where(), account).equal('key', key).equal('provider', provider).equal('model', model);
  counted.and(`day >= ${counted.value(from)}`).and(`day < ${counted.value(to)}`);
  const [sums, counts] = await db.batch([
    db
      .prepare(
        `SELECT start AS day, ${OFFER}, money, metered, SUM(attempts) AS attempts, CAST(SUM(cost) AS TEXT) AS cost,
          SUM(input) AS input, SUM(cacheRead) AS cacheRead, SUM(cacheWrite) AS cacheWrite, SUM(output) AS output,
          SUM(reasoning) AS reasoning, CAST(SUM(nanoseconds) AS TEXT) AS nanoseconds, SUM(timed) AS timed
        FROM ${parts.from} WHERE ${parts.where.sql} GROUP BY day, ${OFFER}, money, metered ORDER BY day, ${OFFER}, money`,
      )
      .bind(...parts.where.values),
    db
      .prepare(
        `SELECT day, ${OFFER}, family, SUM(attempts) AS attempts, SUM(prompt) AS prompt, SUM(completion) AS completion,
          CAST(SUM(cost) AS TEXT) AS cost, CAST(SUM(upperBound) AS TEXT) AS upperBound, SUM(unknown) AS unknown
        FROM counted WHERE ${counted.sql} GROUP BY day, ${OFFER}, family`,
      )
      .bind(...counted.values),
  ]);
  return assembled(sums?.results ?? [], counts?.results ?? []);
}

type Row = Readonly<Record<string, unknown>>;

const nameOf = ({ day, provider, service, model, upstream }: Row): string =>
  JSON.stringify([day, provider, service, model, upstream]);
const amountOf = (value: unknown): bigint => BigInt(String(value ?? 0));

interface Found {
  readonly row: Row;
  readonly parts: TrafficPart[];
  readonly counted: Map<string, CountedPart>;
}

function assembled(sums: readonly Row[], counts: readonly Row[]): TrafficOfDays {
  const found = new Map<string, Found>();
  let unmetered = { attempts: 0, cost: 0n, upperBound: 0n, unknown: 0 };
  for (const row of sums) {
    const part = partFrom(row);
    if (row.metered === 1) {
      const known: Found = found.get(nameOf(row)) ?? { row, parts: [], counted: new Map<string, CountedPart>() };
      known.parts.push(part);
      found.set(nameOf(row), known);
    } else {
      unmetered = {
        attempts: unmetered.attempts + part.attempts,
        cost: unmetered.cost + (part.money === 'settled' ? part.cost : 0n),
        upperBound: unmetered.upperBound + (part.money === 'upper_bound' ? part.cost : 0n),
        unknown: unmetered.unknown + (part.money === 'unknown' ? part.attempts : 0),
      };
    }
  }
  for (const row of counts) found.get(nameOf(row))?.counted.set(String(row.family), countedFrom(row));
  const traffic = [...found.values()].map(({ row, parts, counted }) => ({
    day: dayOf(Number(row.day) * DAY_MS),
    model: String(row.model),
    provider: String(row.provider),
    service: String(row.service),
    upstream: String(row.upstream),
    parts,
    counted,
  }));
  return { traffic, unmetered };
}

const partFrom = (row: Row): TrafficPart => ({
  money: row.money as MoneyOutcome,
  attempts: Number(row.attempts),
  cost: amountOf(row.cost),
  usage: {
    input: Number(row.input),
    cacheRead: Number(row.cacheRead),
    cacheWrite: Number(row.cacheWrite),
    output: Number(row.output),
    reasoning: Number(row.reasoning),
    source: 'provider',
    // Of a sum that lacks some, nothing is known.
    ...(row.timed === row.attempts ? { seconds: Number(amountOf(row.nanoseconds)) / 1e9 } : {}),
  },
});

const countedFrom = (row: Row): CountedPart => ({
  attempts: Number(row.attempts),
  prompt: Number(row.prompt),
  completion: Number(row.completion),
  cost: amountOf(row.cost),
  upperBound: amountOf(row.upperBound),
  unknown: Number(row.unknown),
});

/** One attempt as traffic. */
export function trafficOfRow(row: LedgerRow): Traffic {
  const { called, model, provider, service, upstream, money, cost, nanoseconds } = row;
  const { input, cacheRead, cacheWrite, output, reasoning } = row;
  const usage = {
    ...{ input, cacheRead, cacheWrite, output, reasoning, source: 'provider' as const },
    ...(nanoseconds === null ? {} : { seconds: nanoseconds / 1e9 }),
  };
  const counted = [...countsOf(row)].map(([family, [prompt, completion]]): [string, CountedPart] => [
    family,
    { attempts: 1, prompt, completion, ...costsOf(row) },
  ]);
  return {
    day: dayOf(called),
    ...{ model, provider, service, upstream },
    parts: [{ money, attempts: 1, cost: amountOf(cost), usage }],
    counted: new Map(counted),
  };
}
