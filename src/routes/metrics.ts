/**
 * `GET /metrics`: the ledger's totals as Prometheus reads them. An isolate sees only a part of the traffic, so nothing is
 * counted here. What the GenAI semantic conventions have a name for has that name (v0.1.0,
 * github.com/open-telemetry/semantic-conventions-genai), in Prometheus' spelling; the rest begins with `chasqui_`.
 */
import type { Handler } from 'hono';
import {
  LATENCY_BUCKETS,
  type LatencyTotal,
  type LedgerTotal,
  type LedgerTotals,
  ledgerTotals,
  type ReportDatabase,
} from '../accounts/index.ts';
import { formatDollars, type ProviderRegistry } from '../core/index.ts';
import { parametersOf } from './report-query.ts';
import { databaseFor } from './reports.ts';
import { type Gateway, headersOf, reply } from './request.ts';

type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** The suffix of a sample's name, its labels, and its value as text. */
  readonly samples: readonly (readonly [suffix: string, labels: Labels, value: string])[];
}

/** What a call does, by its dialect, in the conventions' words. */
const OPERATIONS: Readonly<Record<string, string>> = {
  completions: 'text_completion',
  embeddings: 'embeddings',
  rerank: 'rerank',
};

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const labelText = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

/** Text format 0.0.4, or OpenMetrics 1.0, where a counter's family has no `_total` and the text an end. */
function rendered(families: readonly Family[], openMetrics: boolean): string {
  const lines = families.flatMap(({ name, type, help, samples }) => {
    const family = type === 'counter' && !openMetrics ? `${name}_total` : name;
    return [
      `# HELP ${family} ${escaped(help)}`,
      `# TYPE ${family} ${type}`,
      ...samples.map(([suffix, labels, value]) => `${name}${suffix}${labelText(labels)} ${value}`),
    ];
  });
  return [...lines, ...(openMetrics ? ['# EOF'] : []), ''].join('\n');
}

/** Sums by labels, in the order in which labels come first. */
function counter(
  name: string,
  help: string,
  rows: readonly LedgerTotal[],
  labels: (row: LedgerTotal) => Labels,
  value: (row: LedgerTotal) => number | bigint,
  text: (sum: bigint) => string = String,
): Family {
  const sums = new Map<string, { readonly labels: Labels; sum: bigint }>();
  for (const row of rows) {
    const of = labels(row);
    const key = JSON.stringify(of);
    const known = sums.get(key) ?? { labels: of, sum: 0n };
    known.sum += BigInt(value(row));
    sums.set(key, known);
  }
  const samples = [...sums.values()].map(({ labels: of, sum }) => ['_total', of, text(sum)] as const);
  return { name, type: 'counter', help, samples };
}

const seconds = (ms: number): string => String(ms / 1000);

/** A histogram for each provider and model, of buckets that each include the ones before. */
function histogram(
  name: string,
  help: string,
  rows: readonly LatencyTotal[],
  labels: (row: LatencyTotal) => Labels,
): Family {
  const groups = Map.groupBy(rows, ({ provider, model }) => JSON.stringify([provider, model]));
  const samples = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const of = labels(first);
    const total = (some: readonly LatencyTotal[], what: 'attempts' | 'ms') =>
      some.reduce((sum, row) => sum + row[what], 0);
    const upTo = (at: number) =>
      String(
        total(
          group.filter(({ bucket }) => bucket <= at),
          'attempts',
        ),
      );
    return [
      ...LATENCY_BUCKETS.map((limit, at) => ['_bucket', { ...of, le: seconds(limit) }, upTo(at)] as const),
      ['_bucket', { ...of, le: '+Inf' }, upTo(LATENCY_BUCKETS.length)] as const,
      ['_sum', of, seconds(total(group, 'ms'))] as const,
      ['_count', of, upTo(LATENCY_BUCKETS.length)] as const,
    ];
  });
  return { name, type: 'histogram', help, samples };
}

function familiesOf({ totals, latency, pushed }: LedgerTotals, registry: ProviderRegistry): readonly Family[] {
  const served = ({ provider, model }: { readonly provider: string; readonly model: string }): Labels => ({
    gen_ai_provider_name: registry.of(provider).telemetryName ?? provider,
    gen_ai_request_model: model,
  });
  const operation = (row: LedgerTotal): Labels => ({
    gen_ai_operation_name: OPERATIONS[row.dialect] ?? 'chat',
    ...served(row),
    account: row.account,
  });
  const tokens = (bucket: string, help: string, value: (row: LedgerTotal) => number) =>
    counter(`gen_ai_client_inference_usage_${bucket}`, help, totals, operation, value);
  const money = (kind: LedgerTotal['money']) => totals.filter((row) => row.money === kind);
  const dollars = (name: string, help: string, rows: readonly LedgerTotal[]) =>
    counter(name, help, rows, operation, ({ cost }) => cost, formatDollars);
  const ended = (row: LedgerTotal): Labels => ({
    ...operation(row),
    chasqui_dialect: row.dialect,
    ...(row.outcome === 'ok' ? {} : { error_type: row.outcome }),
  });
  const of = (kind: LatencyTotal['kind']) => latency.filter((row) => row.kind === kind);
  return [
    counter('chasqui_calls', 'Calls that reached a provider.', totals, operation, ({ calls }) => calls),
    counter(
      'chasqui_attempts',
      'Attempts at providers. Those that failed have an error_type.',
      totals,
      ended,
      ({ attempts }) => attempts,
    ),
    tokens('input_tokens', 'Prompt tokens, cached ones included.', (row) => row.input + row.cacheRead + row.cacheWrite),
    tokens(
      'cache_read_input_tokens',
      'Prompt tokens that a provider read from its cache.',
      ({ cacheRead }) => cacheRead,
    ),
    tokens(
      'cache_write_input_tokens',
      'Prompt tokens that a provider wrote to its cache.',
      ({ cacheWrite }) => cacheWrite,
    ),
    tokens('output_tokens', 'Completion tokens, reasoning included.', (row) => row.output + row.reasoning),
    tokens('reasoning_output_tokens', 'Completion tokens that were reasoning.', ({ reasoning }) => reasoning),
    dollars('chasqui_cost_dollars', 'What attempts cost, where it is known exactly.', money('settled')),
    dollars('chasqui_cost_upper_bound_dollars', 'The most that other attempts may have cost.', money('upper_bound')),
    counter(
      'chasqui_attempts_of_unknown_cost',
      'Attempts of which not even a bound is known.',
      money('unknown'),
      operation,
      ({ attempts }) => attempts,
    ),
    counter('chasqui_attempts_canceled', 'Attempts whose caller left.', totals, operation, ({ canceled }) => canceled),
    counter(
      'chasqui_attempts_undelivered',
      'Attempts that were billed and not, or not wholly, delivered.',
      totals,
      operation,
      ({ undelivered }) => undelivered,
    ),
    counter(
      'chasqui_attempts_expired',
      'Attempts that nobody settled in time.',
      totals,
      operation,
      ({ expired }) => expired,
    ),
    histogram('gen_ai_client_inference_duration_seconds', 'How long attempts took.', of('duration'), served),
    histogram(
      'gen_ai_client_inference_time_to_first_chunk_seconds',
      'Time to the first content of an attempt.',
      of('first'),
      served,
    ),
    {
      name: 'chasqui_ledger_pushed_timestamp_seconds',
      type: 'gauge',
      help: 'When an account last wrote to the ledger.',
      samples: pushed.map(({ account, at }) => ['', { account }, seconds(at)] as const),
    },
  ];
}

/** A scrape within this time gets the same figures. */
const FRESH_MS = 15_000;
/** What was read of a database, and when. */
const read = new WeakMap<ReportDatabase, { readonly at: number; readonly families: readonly Family[] }>();

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export const metrics =
  (gateway: Gateway): Handler =>
  async (c) => {
    parametersOf(c, []);
    const now = Date.now();
    const families = await databaseFor(gateway, async (db) => {
      const known = read.get(db);
      if (known && now - known.at < FRESH_MS) return known.families;
      const made = familiesOf(await ledgerTotals(db), gateway.config.registry);
      read.set(db, { at: now, families: made });
      return made;
    });
    const openMetrics = /\bapplication\/openmetrics-text\b/i.test(c.req.header('accept') ?? '');
    headersOf(c).vary = 'accept';
    return reply(c, 200, openMetrics ? OPEN_METRICS : TEXT, rendered(families, openMetrics));
  };
