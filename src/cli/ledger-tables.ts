/** What `/v1/usage` and `/v1/whatif` answer, and how people read it. */
import * as v from 'valibot';
import { aligned, type Column, table, wrapped } from './report.ts';

const amount = v.string();

const figures = {
  calls: v.number(),
  requests: v.number(),
  prompt_tokens: v.number(),
  cached_tokens: v.number(),
  completion_tokens: v.number(),
  cost: amount,
  cost_upper_bound: amount,
  unknown_cost: v.number(),
  errors: v.number(),
  latency_ms: v.nullable(v.number()),
  ttft_ms: v.nullable(v.number()),
};

export const usageAnswer = v.object({
  data: v.array(v.looseObject(figures)),
  total: v.looseObject(figures),
  group_by: v.array(v.string()),
  from: v.string(),
  to: v.string(),
  has_more: v.boolean(),
  pending: v.nullable(v.number()),
});

const money = v.object({ cost: amount, cost_upper_bound: amount });
const line = v.object({
  provider: v.optional(v.string()),
  policy: v.optional(v.string()),
  hypothetical: v.optional(v.object({ usd_per_hour: amount, tokens_per_second: v.number(), busy_hours: v.number() })),
  cost: v.nullable(amount),
  requests: v.number(),
  unpriced_requests: v.number(),
  compared_with: money,
  delta: v.nullable(amount),
  estimate: v.boolean(),
});

export const whatIfAnswer = v.object({
  data: v.array(line),
  actual: v.object({ ...money.entries, requests: v.number(), unknown_cost: v.number() }),
  left_out: v.object({ requests: v.number() }),
  unpriced: v.array(
    v.object({
      provider: v.optional(v.string()),
      policy: v.optional(v.string()),
      model: v.string(),
      requests: v.number(),
      reason: v.string(),
    }),
  ),
  prices: v.string(),
});

type UsageAnswer = v.InferOutput<typeof usageAnswer>;
type UsageLine = UsageAnswer['data'][number];
type WhatIfAnswer = v.InferOutput<typeof whatIfAnswer>;
type WhatIfLine = WhatIfAnswer['data'][number];

const number = (value: number): string => value.toLocaleString('en-US');
/** A count that is of interest only where there is one. */
const some = (value: number): string => (value === 0 ? '' : number(value));
const ms = (value: number | null): string => (value === null ? '' : number(value));

function usageColumns(answer: UsageAnswer): readonly Column<UsageLine>[] {
  const all = [...answer.data, answer.total];
  const dollars = aligned(all.map(({ cost }) => cost));
  const bounds = aligned(all.map(({ cost_upper_bound: most }) => most));
  return [
    ...answer.group_by.map((group, at) => ({
      head: group,
      cell: (row: UsageLine) => (row === answer.total ? (at === 0 ? 'all' : '') : String(row[group] ?? '')),
      gives: group === 'model',
    })),
    { head: 'calls', right: true, cell: ({ calls }) => number(calls) },
    { head: 'requests', right: true, cell: ({ requests }) => number(requests) },
    { head: 'errors', right: true, cell: ({ errors }) => some(errors) },
    { head: 'prompt', right: true, cell: (row) => number(row.prompt_tokens) },
    { head: 'cached', right: true, cell: (row) => some(row.cached_tokens) },
    { head: 'completion', right: true, cell: (row) => number(row.completion_tokens) },
    { head: 'cost $', right: true, cell: ({ cost }) => dollars(cost) },
    {
      head: 'or up to $',
      right: true,
      cell: ({ cost_upper_bound: most }) => (Number(most) === 0 ? '' : `+${bounds(most)}`),
    },
    { head: 'unknown', right: true, cell: (row) => some(row.unknown_cost) },
    { head: 'first ms', right: true, cell: (row) => ms(row.ttft_ms) },
    { head: 'ms', right: true, cell: (row) => ms(row.latency_ms) },
  ];
}

/** `2026-11-28T00:00:00Z` as its day. */
const short = (moment: string): string => moment.replace('T00:00:00Z', '');

/** The usage as a table, with the sum of all groups in its last line. */
export function usageTable(answer: UsageAnswer, width: number): string {
  const { data, total, from, to, has_more: more, pending } = answer;
  const lines = [`Calls from ${short(from)} to before ${short(to)} (UTC)`, ''];
  if (data.length === 0) lines.push('There are none.');
  else lines.push(...table(usageColumns(answer), [...data, total], width));
  if (more) lines.push('', `These are the first ${data.length} groups. The last line is the sum of all.`);
  if (total.unknown_cost > 0) {
    lines.push(
      '',
      ...wrapped('', `Of ${number(total.unknown_cost)} requests the cost is not known, not even at most.`, width),
    );
  }
  if (pending === null) lines.push('', 'An account did not answer in time, so its last calls may be missing.');
  else if (pending > 0) lines.push('', `${number(pending)} requests have ended and are not in this yet.`);
  return lines.join('\n');
}

const nameOf = ({ provider, policy, hypothetical }: WhatIfLine): string => {
  if (hypothetical) return `own, $${hypothetical.usd_per_hour} an hour`;
  return provider ?? `policy ${policy}`;
};

/** Cheapest first, those that price less of the traffic after those that price more. */
const byCost = (a: WhatIfLine, b: WhatIfLine): number =>
  a.unpriced_requests - b.unpriced_requests || Number(a.cost ?? Number.MAX_VALUE) - Number(b.cost ?? Number.MAX_VALUE);

const signed = (amount: string): string => (amount.startsWith('-') || Number(amount) === 0 ? amount : `+${amount}`);

function whatIfColumns(lines: readonly WhatIfLine[]): readonly Column<WhatIfLine>[] {
  const dollars = aligned(lines.flatMap(({ cost, compared_with: { cost: was } }) => [cost, was]));
  const bounds = aligned(lines.map(({ compared_with: { cost_upper_bound: most } }) => most));
  const deltas = aligned(lines.map(({ delta }) => delta));
  return [
    { head: 'at', cell: nameOf },
    {
      head: 'would cost $',
      right: true,
      cell: ({ cost, estimate }) => (cost === null ? '?' : `${estimate ? '~' : ''}${dollars(cost)}`),
    },
    { head: 'requests', right: true, cell: ({ requests }) => number(requests) },
    { head: 'did cost $', right: true, cell: (row) => (row.requests === 0 ? '' : dollars(row.compared_with.cost)) },
    {
      head: 'or up to $',
      right: true,
      cell: ({ compared_with: { cost_upper_bound: most } }) => (Number(most) === 0 ? '' : `+${bounds(most)}`),
    },
    {
      head: 'more or less $',
      right: true,
      cell: ({ delta, requests }) => (delta === null ? (requests === 0 ? '' : '?') : signed(deltas(delta))),
    },
    { head: 'without a price', right: true, cell: (row) => some(row.unpriced_requests) },
  ];
}

/** The what-if as a table, and why some of the traffic has no price somewhere. */
export function whatIfTable({ data, actual, left_out: out, unpriced, prices }: WhatIfAnswer, width: number): string {
  const by = prices === 'then' ? 'the prices of each day' : "today's prices";
  const lines = [`The same traffic elsewhere, by ${by}`, ''];
  if (actual.requests === out.requests) lines.push('There is nothing to compare.');
  else {
    const sorted = [...data].sort(byCost);
    lines.push(...table(whatIfColumns(sorted), sorted, width));
  }
  if (out.requests > 0) {
    const what = `${number(out.requests)} requests whose tokens are not known, most of which failed, are left out.`;
    lines.push('', ...wrapped('', what, width));
  }
  if (unpriced.length > 0) {
    const reasons = unpriced.map(({ provider, policy, model, requests, reason }) =>
      wrapped(`  ${provider ?? `policy ${policy}`}, ${number(requests)} of ${model}: `, reason, width, 4),
    );
    lines.push('', 'Without a price:', ...reasons.flat());
  }
  return lines.join('\n');
}
