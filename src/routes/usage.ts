/** `GET /v1/usage`: what calls used and cost, in groups. */
import type { Handler } from 'hono';
import {
  GROUPS,
  type Group,
  LATENCY_BUCKETS,
  type LatencyTotal,
  latencyOf,
  type UsageGroup,
  type UsageSums,
  usage,
} from '../accounts/index.ts';
import { callerOf } from './access.ts';
import {
  badParameter,
  cursorFrom,
  cursorText,
  dayText,
  hoursOf,
  hourText,
  limitOf,
  listOf,
  parametersOf,
  rfc3339,
  scopeOf,
  spanOf,
} from './report-query.ts';
import { type Cell, dollars, replyList, reportFrom } from './reports.ts';
import type { Gateway } from './request.ts';

const KNOWN = [
  ...['group_by', 'from', 'to', 'account', 'key', 'provider', 'model', 'dialect', 'limit', 'after'],
  'percentiles',
];
const USUAL_GROUPS = 'provider,model';
const USUAL_DAYS = 30;
const USUAL_LIMIT = 100;
const MOST_LIMIT = 1_000;

const NAMES = Object.keys(GROUPS) as readonly Group[];

function groupsOf(value: string): readonly Group[] {
  return listOf(value).map((name) => {
    const group = NAMES.find((one) => one === name);
    if (group) return group;
    throw badParameter(
      'group_by',
      `${name.slice(0, 80) || 'an empty name'} is no group; there are ${NAMES.join(', ')}.`,
    );
  });
}

const average = (sum: number, count: number): number | null => (count === 0 ? null : Math.round(sum / count));

/** The figures of a group, by their names in JSON and CSV. */
function figures(sums: UsageSums): Readonly<Record<string, Cell>> {
  return {
    calls: sums.calls,
    requests: sums.attempts,
    prompt_tokens: sums.input + sums.cacheRead + sums.cacheWrite,
    cached_tokens: sums.cacheRead,
    completion_tokens: sums.output + sums.reasoning,
    reasoning_tokens: sums.reasoning,
    cost: dollars(sums.cost),
    cost_upper_bound: dollars(sums.upperBound),
    unknown_cost: sums.unknown,
    unknown_tokens: sums.unmetered,
    errors: sums.errors,
    canceled: sums.canceled,
    undelivered: sums.undelivered,
    expired: sums.expired,
    latency_ms: average(sums.durationMs, sums.attempts),
    ttft_ms: average(sums.firstMs, sums.firsts),
  };
}

const PERCENTILES = { p50: 0.5, p90: 0.9, p99: 0.99 } as const;

/**
 * Percentiles in milliseconds out of a histogram, evenly spread within a bucket. What exceeds the last limit counts as
 * that. Null without attempts.
 */
function percentilesOf(rows: readonly LatencyTotal[]): Readonly<Record<string, number>> | null {
  const all = rows.reduce((sum, { attempts }) => sum + attempts, 0);
  if (all === 0) return null;
  const at = (share: number): number => {
    let below = 0;
    for (const { bucket, attempts } of rows) {
      const inside = (share * all - below) / attempts;
      below += attempts;
      if (inside > 1) continue;
      const low = LATENCY_BUCKETS[bucket - 1] ?? 0;
      return Math.round(low + inside * ((LATENCY_BUCKETS[bucket] ?? low) - low));
    }
    return LATENCY_BUCKETS.at(-1) ?? 0;
  };
  return Object.fromEntries(Object.entries(PERCENTILES).map(([name, share]) => [name, at(share)]));
}

/** Percentiles of each offer, of all time: histograms are kept by account, provider and model alone. */
function latencyLines(rows: readonly LatencyTotal[]) {
  const offers = Map.groupBy(rows, ({ provider, model }) => JSON.stringify([provider, model]));
  return [...offers.values()].flatMap((of) => {
    const [first] = of;
    if (!first) return [];
    const kind = (name: LatencyTotal['kind']) => of.filter((row) => row.kind === name);
    const requests = kind('duration').reduce((sum, { attempts }) => sum + attempts, 0);
    const { provider, model } = first;
    return [
      { provider, model, requests, ttft_ms: percentilesOf(kind('first')), latency_ms: percentilesOf(kind('duration')) },
    ];
  });
}

/** Whether percentiles are wanted, which only whole accounts have. */
function wantsPercentiles(
  { percentiles, dialect }: Readonly<Record<string, string>>,
  key: string | undefined,
): boolean {
  if (percentiles === undefined) return false;
  if (percentiles !== 'all_time') throw badParameter('percentiles', 'must be all_time, or left out.');
  if (key === undefined && dialect === undefined) return true;
  throw badParameter('percentiles', 'are kept for whole accounts, not by key or dialect. Leave them out.');
}

const shown = (group: Group, value: string | number): string => {
  if (group === 'day') return dayText(Number(value));
  return group === 'hour' ? hourText(Number(value)) : String(value);
};

function line(by: readonly Group[], { group, ...sums }: UsageGroup): Readonly<Record<string, Cell>> {
  const names = by.map((name, at) => [name, shown(name, group[at] ?? '')]);
  return { ...Object.fromEntries(names), ...figures(sums) };
}

/**
 * `GET /v1/usage?group_by=&from=&to=&limit=&after=`, and filters by account, key, provider, model and dialect. Money
 * that is known exactly and upper bounds are apart.
 */
export const usageReport =
  (gateway: Gateway): Handler =>
  async (c) => {
    const read = parametersOf(c, KNOWN);
    const scope = scopeOf(callerOf(c), read);
    const by = groupsOf(read.group_by ?? USUAL_GROUPS);
    const span = spanOf(read, Date.now(), 'hour', USUAL_DAYS);
    const limit = limitOf(read.limit, USUAL_LIMIT, MOST_LIMIT);
    const types = by.map((group) => (group === 'day' || group === 'hour' ? 'number' : 'string'));
    const after = cursorFrom(read.after, `usage ${by.join()}`, types);
    const { provider, model, dialect } = read;
    const percentiles = wantsPercentiles(read, scope.key);
    const query = {
      ...scope,
      ...(provider === undefined ? {} : { provider }),
      ...(model === undefined ? {} : { model }),
      ...(dialect === undefined ? {} : { dialect }),
      ...hoursOf(span),
      by,
      limit,
      ...(after ? { after } : {}),
    };
    const { groups, more, total, pending, latency } = await reportFrom(c, gateway, scope.account, async (source) => ({
      ...(await usage(source.db, query)),
      pending: source.pending,
      latency: percentiles ? await latencyOf(source.db, query) : undefined,
    }));
    const last = groups.at(-1);
    const next = more && last ? cursorText(`usage ${by.join()}`, last.group) : null;
    const columns = [...by, ...Object.keys(figures(total))];
    const about = { from: rfc3339(span.from), to: rfc3339(span.to), group_by: by, total: figures(total), pending };
    const speeds = latency === undefined ? {} : { percentiles: latencyLines(latency) };
    return replyList(
      c,
      groups.map((group) => line(by, group)),
      columns,
      { next, ...about, ...speeds },
    );
  };
