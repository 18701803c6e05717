/** `GET /v1/generations` and `/{id}`: single attempts at providers, and all that is kept of one call. */
import type { Handler } from 'hono';
import { type AccountRow, type LedgerFilter, ledgerPage, rowsOfCall, trafficOfRow } from '../accounts/index.ts';
import { BILLING, ERROR_KINDS, GatewayError, type MoneyOutcome } from '../core/index.ts';
import { type Repricer, repricer } from '../offers/index.ts';
import { callerOf } from './access.ts';
import {
  badParameter,
  cursorFrom,
  cursorText,
  limitOf,
  parametersOf,
  rfc3339,
  scopeOf,
  spanOf,
} from './report-query.ts';
import { type Cell, dollars, replyList, reportFrom } from './reports.ts';
import { type Gateway, replyJson } from './request.ts';

const KNOWN = [...['from', 'to', 'account', 'key', 'provider', 'model', 'dialect', 'outcome', 'limit', 'after']];
const OUTCOMES = ['ok', ...Object.keys(ERROR_KINDS)];
const USUAL_LIMIT = 50;
const MOST_LIMIT = 500;
/** Without `from` a page goes back as far as there are rows. */
const USUAL_DAYS = 3_650;

const costOf = ({ cost }: AccountRow): string | null => (cost === null ? null : dollars(BigInt(cost)));
const orNull = (text: string): string | null => (text === '' ? null : text);

/** An attempt, as a page and a generation show it. */
export function attemptOf(row: AccountRow): Readonly<Record<string, Cell>> {
  const known = row.source !== null;
  return {
    attempt: row.attempt,
    model: row.model,
    provider: row.provider,
    service: orNull(row.service),
    provider_model: row.upstream,
    api: row.api,
    upstream_requests: row.requests,
    started_at: rfc3339(row.started),
    outcome: row.outcome,
    status: row.status,
    finish_reason: row.finish,
    prompt_tokens: known ? row.input + row.cacheRead + row.cacheWrite : null,
    cached_tokens: known ? row.cacheRead : null,
    completion_tokens: known ? row.output + row.reasoning : null,
    reasoning_tokens: known ? row.reasoning : null,
    tokens_from: row.source,
    cost: costOf(row),
    billing: BILLING[row.money],
    price: orNull(row.rule),
    ttft_ms: row.first === null ? null : Math.max(0, row.first - row.started),
    latency_ms: Math.max(0, row.ended - row.started),
    canceled: row.canceled === 1,
    resumed: row.resumed === 1,
    undelivered: row.undelivered === 1,
    overrun: row.overrun === 1,
    expired: row.expired === 1,
    provider_request_id: row.upstreamId,
  };
}

export const callOf = (row: AccountRow): Readonly<Record<string, Cell>> => ({
  id: row.call,
  created_at: rfc3339(row.called),
  account: row.account,
  key: row.key,
  dialect: row.dialect,
  streamed: row.streamed === 1,
  asked: row.asked,
});

/** The columns of CSV, on an empty page too. */
const COLUMNS: readonly string[] = [
  ...['id', 'created_at', 'account', 'key', 'dialect', 'streamed', 'asked', 'attempt', 'model', 'provider', 'service'],
  ...['provider_model', 'api', 'upstream_requests', 'started_at', 'outcome', 'status', 'finish_reason'],
  ...['prompt_tokens', 'cached_tokens', 'completion_tokens', 'reasoning_tokens', 'tokens_from', 'cost', 'billing'],
  ...['price', 'ttft_ms', 'latency_ms', 'canceled', 'resumed', 'undelivered', 'overrun', 'expired'],
  'provider_request_id',
];

/** The filters by name, and by outcome. */
export function filterOf(
  read: Readonly<Record<string, string>>,
): Omit<LedgerFilter, 'account' | 'key'> & { readonly outcome?: string } {
  const { outcome } = read;
  if (outcome !== undefined && !OUTCOMES.includes(outcome)) {
    throw badParameter('outcome', `must be one of ${OUTCOMES.join(', ')}.`);
  }
  return Object.fromEntries(
    ['provider', 'model', 'dialect', 'outcome'].flatMap((name) =>
      read[name] === undefined ? [] : [[name, read[name]]],
    ),
  );
}

/**
 * `GET /v1/generations`: attempts at providers, the newest calls first, in pages; with filters by time, account, key,
 * provider, model, dialect and outcome.
 */
export const listGenerations =
  (gateway: Gateway): Handler =>
  async (c) => {
    const read = parametersOf(c, KNOWN);
    const scope = scopeOf(callerOf(c), read);
    const filter = filterOf(read);
    const span = spanOf(read, Date.now(), 'any', USUAL_DAYS);
    const limit = limitOf(read.limit, USUAL_LIMIT, MOST_LIMIT);
    const [called, account, seq] = cursorFrom(read.after, 'generations', ['number', 'string', 'number']) ?? [];
    const query = {
      ...scope,
      ...filter,
      ...span,
      ...(called === undefined ? {} : { after: [Number(called), String(account), Number(seq)] as const }),
      limit,
    };
    const { rows, more, pending } = await reportFrom(c, gateway, scope.account, async (source) => ({
      ...(await ledgerPage(source.db, query)),
      pending: source.pending,
    }));
    const last = rows.at(-1);
    const next = more && last ? cursorText('generations', [last.called, last.account, last.seq]) : null;
    const data = rows.map((row) => ({ ...callOf(row), ...attemptOf(row) }));
    return replyList(c, data, COLUMNS, { next, pending });
  };

/** What the last answer would have cost at the model's other offers, by the prices of its day. */
function alternativesTo(rows: readonly AccountRow[], reprice: Repricer) {
  const answered = rows.findLast(({ source }) => source !== null);
  if (!answered) return [];
  const traffic = trafficOfRow(answered);
  const { usable, others } = reprice.offers(traffic);
  return [
    ...usable
      .filter((offer) => !reprice.isOwn(offer, traffic))
      .map((offer) => {
        const { attempts, cost, estimate, unpriced } = reprice.at(offer, traffic);
        return {
          provider: offer.provider,
          model: offer.model,
          provider_model: offer.upstream,
          cost: attempts === 0 ? null : dollars(cost),
          estimate,
          reason: unpriced[0]?.reason ?? null,
        };
      }),
    ...others.map(({ provider, model, reason }) => ({
      ...{ provider, model, provider_model: null, cost: null, estimate: false, reason },
    })),
  ];
}

/** Sums over the attempts of a call. */
function sumsOf(rows: readonly AccountRow[]) {
  const money = (kind: MoneyOutcome) =>
    dollars(rows.filter((row) => row.money === kind).reduce((sum, { cost }) => sum + BigInt(cost ?? 0), 0n));
  const tokens = (of: (row: AccountRow) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  return {
    prompt_tokens: tokens(({ input, cacheRead, cacheWrite }) => input + cacheRead + cacheWrite),
    completion_tokens: tokens(({ output, reasoning }) => output + reasoning),
    cost: money('settled'),
    cost_upper_bound: money('upper_bound'),
    unknown_cost: rows.filter((row) => row.money === 'unknown').length,
  };
}

/** The database's rows, and those that the account has and the database does not. */
const merged = (stored: readonly AccountRow[], held: readonly AccountRow[]): readonly AccountRow[] =>
  [
    ...stored,
    ...held.filter(({ seq, account }) => !stored.some((row) => row.seq === seq && row.account === account)),
  ].sort((a, b) => a.attempt - b.attempt || a.seq - b.seq);

/** `GET /v1/generations/{id}`: the attempts of a call, what it cost, and what it would have cost elsewhere. */
export const getGeneration =
  (gateway: Gateway): Handler =>
  async (c) => {
    const read = parametersOf(c, ['account']);
    const caller = callerOf(c);
    const scope = scopeOf(caller, read);
    // As chat completions have it, whatever the dialect made of it.
    const id = (c.req.param('id') ?? '').replace(/^(?:resp|msg)_/, 'gen-');
    const holder = scope.account ?? caller.account;
    const rows = await reportFrom(c, gateway, holder, async ({ db }) => {
      const stored = await rowsOfCall(db, id, scope);
      const held =
        (await gateway.config.accounts
          ?.getByName(holder)
          .rowsOf(id)
          .catch(() => [])) ?? [];
      const own = held.filter(({ key }) => scope.key === undefined || key === scope.key);
      return merged(
        stored,
        own.map((row) => ({ ...row, account: holder })),
      );
    });
    const [first] = rows;
    if (!first) {
      throw new GatewayError(
        'not_found',
        `There is no generation ${id.slice(0, 100)} here. It is the id that an answer has; while its call runs it is not there yet.`,
        { param: 'id' },
      );
    }
    const reprice = repricer(gateway.world, await gateway.prices.fresh(), { kind: 'then' });
    return replyJson(c, 200, {
      object: 'generation',
      ...callOf(first),
      ...sumsOf(rows),
      attempts: rows.map(attemptOf),
      alternatives: alternativesTo(rows, reprice),
    });
  };
