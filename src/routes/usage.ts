/** `GET /v1/usage`: what calls used and cost, in groups. */
import type { Handler } from 'hono';
import { GROUPS, type Group, type UsageGroup, type UsageSums, usage } from '../accounts/index.ts';
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

const KNOWN = ['group_by', 'from', 'to', 'account', 'key', 'provider', 'model', 'dialect', 'limit', 'after'];
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
    const { groups, more, total, pending } = await reportFrom(c, gateway, scope.account, async (source) => ({
      ...(await usage(source.db, query)),
      pending: source.pending,
    }));
    const last = groups.at(-1);
    const next = more && last ? cursorText(`usage ${by.join()}`, last.group) : null;
    const columns = [...by, ...Object.keys(figures(total))];
    const about = { from: rfc3339(span.from), to: rfc3339(span.to), group_by: by, total: figures(total), pending };
    return replyList(
      c,
      groups.map((group) => line(by, group)),
      columns,
      { next, ...about },
    );
  };
