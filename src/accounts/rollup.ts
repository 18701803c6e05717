/** Sums of ledger rows: by hour, by day and of all time for reports; tokens by family; histograms of latency. */
import { costsOf, countsOf, type LedgerRow } from './ledger-row.ts';

/** A line of a rollup: the values of its key, and what the row adds to its sums. Amounts over 2^53 are bigint. */
type Line = Readonly<Record<string, string | number | bigint>>;

/** A table of sums, besides its column `account`. */
export interface Rollup {
  readonly table: string;
  readonly key: readonly string[];
  readonly sums: readonly string[];
  readonly lines: (row: LedgerRow) => readonly Line[];
}

/** Stands for a key where a sum is of all keys together, which most reports want. No key has this name. */
export const ALL_KEYS = '';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS);
const dayNumber = (ms: number): number => Math.floor(ms / DAY_MS);

/** No attempt lasts longer; a clock that was set is not part of a sum. */
const MOST_MS = DAY_MS;
const between = (from: number, to: number): number => Math.min(MOST_MS, Math.max(0, to - from));

function sumLines(row: LedgerRow): readonly Line[] {
  const { key, provider, service, model, upstream, rule, dialect, outcome, money, first, started, ended } = row;
  const metered = row.source === null ? 0 : 1;
  const line = {
    ...{ key, provider, service, model, upstream, rule, dialect, outcome, money, metered },
    attempts: 1,
    calls: row.attempt === 1 ? 1 : 0,
    cost: BigInt(row.cost ?? 0),
    ...{ input: row.input, cacheRead: row.cacheRead, cacheWrite: row.cacheWrite },
    ...{ output: row.output, reasoning: row.reasoning, nanoseconds: BigInt(row.nanoseconds ?? 0) },
    timed: row.nanoseconds === null ? 0 : 1,
    ...{ canceled: row.canceled, undelivered: row.undelivered, expired: row.expired },
    durationMs: between(started, ended),
    firstMs: first === null ? 0 : between(started, first),
    firsts: first === null ? 0 : 1,
  };
  return [
    ...[key, ALL_KEYS].flatMap((of) => [
      { ...line, key: of, span: 'h', start: hourOf(row.called) },
      { ...line, key: of, span: 'd', start: dayNumber(row.called) },
    ]),
    { ...line, key: ALL_KEYS, span: 't', start: 0 },
  ];
}

/** Of attempts without a usage nothing is repriced. */
function countedLines(row: LedgerRow): readonly Line[] {
  const { called, key, provider, service, model, upstream } = row;
  if (row.source === null) return [];
  const names = { day: dayNumber(called), key, provider, service, model, upstream };
  return [...countsOf(row)].map(([family, [prompt, completion]]) => ({
    ...names,
    ...{ family, attempts: 1, prompt, completion },
    ...costsOf(row),
  }));
}

/** Upper limits of the histograms in milliseconds: 10 ms × 2^k, as the GenAI conventions have them. The last: none. */
export const LATENCY_BUCKETS: readonly number[] = Array.from({ length: 14 }, (_, k) => 10 * 2 ** k);

const bucketOf = (ms: number): number => {
  const at = LATENCY_BUCKETS.findIndex((limit) => ms <= limit);
  return at < 0 ? LATENCY_BUCKETS.length : at;
};

function latencyLines({ provider, model, started, first, ended }: LedgerRow): readonly Line[] {
  const line = (kind: string, ms: number): Line => ({ provider, model, kind, bucket: bucketOf(ms), attempts: 1, ms });
  return [
    line('duration', between(started, ended)),
    ...(first === null ? [] : [line('first', between(started, first))]),
  ];
}

export const ROLLUPS: readonly Rollup[] = [
  {
    table: 'rollup',
    key: [
      ...[
        'span',
        'start',
        'key',
        'provider',
        'service',
        'model',
        'upstream',
        'rule',
        'dialect',
        'outcome',
        'money',
        'metered',
      ],
    ],
    sums: [
      ...['attempts', 'calls', 'cost', 'input', 'cacheRead', 'cacheWrite', 'output', 'reasoning'],
      ...['nanoseconds', 'timed', 'canceled', 'undelivered', 'expired', 'durationMs', 'firstMs', 'firsts'],
    ],
    lines: sumLines,
  },
  {
    table: 'counted',
    key: ['day', 'key', 'provider', 'service', 'model', 'upstream', 'family'],
    sums: ['attempts', 'prompt', 'completion', 'cost', 'upperBound', 'unknown'],
    lines: countedLines,
  },
  {
    table: 'latency',
    key: ['provider', 'model', 'kind', 'bucket'],
    sums: ['attempts', 'ms'],
    lines: latencyLines,
  },
];

/** The lines that rows add to a rollup, those of one key added up. Sums of bigint are text, for JSON. */
export function rollUp(rows: readonly LedgerRow[], { key, sums, lines }: Rollup): readonly unknown[] {
  const byKey = new Map<string, Record<string, string | number | bigint>>();
  for (const line of rows.flatMap(lines)) {
    const id = JSON.stringify(key.map((name) => line[name]));
    const known = byKey.get(id);
    if (known) for (const name of sums) known[name] = plus(known[name], line[name]);
    else byKey.set(id, { ...line });
  }
  return [...byKey.values()].map((line) =>
    Object.fromEntries(
      Object.entries(line).map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]),
    ),
  );
}

/** Both are of one column, so of one type. */
function plus(a: Line[string] | undefined, b: Line[string] | undefined): number | bigint {
  return typeof a === 'bigint' || typeof b === 'bigint' ? BigInt(a ?? 0) + BigInt(b ?? 0) : Number(a) + Number(b);
}
