/** What a key or an account has spent, holds, and has left. Spent and held money are shown apart. */
import { StackedBar } from '../lib/bars.js';
import { html } from '../lib/html.js';
import { Money, parseMoney, ratio, shortMoney } from '../lib/money.js';
import { moment } from '../lib/text.js';
import { Link } from '../lib/url.js';

export const PERIODS = { day: 'a day', week: 'a week', month: 'a month', total: 'in all' };
export const LIMITS = { rpm: 'requests a minute', tpm: 'tokens a minute', concurrency: 'calls at the same time' };

const isSome = (amount) => (parseMoney(amount) ?? 0n) > 0n;

/**
 * @param of `{budget, spent, pending, left, period_ends}` as the API gives them
 * @param calls what the spent money links to, if anything
 */
export function Budget({ of: { budget, spent, pending, left, period_ends: ends }, calls }) {
  const amount = html`<${Money} value=${spent} />`;
  const told = html`${calls ? html`<${Link} to=${calls}>${amount} spent<//>` : html`${amount} spent`}${
    isSome(pending) && html`, <${Money} value=${pending} /> held for calls under way`
  }`;
  if (!budget) return html`<div class="words">${told}</div>`;
  const parts = [
    { label: `${shortMoney(spent)} spent`, share: ratio(spent, budget.limit) },
    { label: `${shortMoney(pending)} held for calls under way`, share: ratio(pending, budget.limit) },
  ];
  const label = `${parts.map((part) => part.label).join(', ')}, of ${shortMoney(budget.limit)}`;
  return html`<div class="words">${told} of <${Money} value=${budget.limit} /> ${PERIODS[budget.period] ?? budget.period}</div>
    <${StackedBar} parts=${parts} label=${label} />
    <div class="quiet words"><${Money} value=${left} /> left${ends && `, until ${moment(ends)}`}</div>`;
}

/** The limits that are set, as texts. */
export const limitTexts = (limits) =>
  Object.entries(LIMITS).flatMap(([name, text]) =>
    limits?.[name] == null ? [] : [`${limits[name].toLocaleString('en-US')} ${text}`],
  );

/** What a key may use, as texts; none for everything. */
export const allowTexts = (allow) =>
  ['models', 'providers'].flatMap((kind) => (allow?.[kind]?.length ? [`${kind}: ${allow[kind].join(', ')}`] : []));
