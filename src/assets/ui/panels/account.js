/** The key that one is signed in with: its budget, its limits, and what it may use. */
import { ErrorText, useApi } from '../lib/api.js';
import { Bar } from '../lib/bars.js';
import { html } from '../lib/html.js';
import { Money, ratio, shortMoney, sumMoney } from '../lib/money.js';
import { Table } from '../lib/table.js';
import { count, moment } from '../lib/text.js';

const PERIODS = { day: 'a day', week: 'a week', month: 'a month', total: 'in all' };

/** Spent and held money of a key or an account, and its budget. */
function Budget({ label, budget, of: { spent, pending, period_ends: ends } }) {
  if (!budget) return html`<p>${label}: no budget. Spent so far: <${Money} value=${spent} />.</p>`;
  const used = sumMoney([spent, pending]);
  const said = `${shortMoney(used)} of ${shortMoney(budget.limit)} ${PERIODS[budget.period] ?? ''} spent or held`;
  const share = ratio(used, budget.limit);
  return html`<p>${label}: ${said}${ends ? `, until ${moment(ends)}` : ''}</p>
    <${Bar} share=${share} label=${said} kind=${share > 0.9 ? 'bad' : share > 0.7 ? 'warn' : 'good'} />`;
}

const LIMITS = { rpm: 'requests a minute', tpm: 'tokens a minute', concurrency: 'calls at the same time' };

function limitRows(limits) {
  return Object.entries(limits ?? {}).flatMap(([name, limit]) =>
    limit == null ? [] : [{ name: LIMITS[name] ?? name, limit }],
  );
}

const listed = (names) => (names?.length ? names.join(', ') : 'all');

export default function Account({ session }) {
  const { data: key, error, reload } = useApi('/v1/key');
  if (error) return html`<${ErrorText} error=${error} retry=${reload} />`;
  if (!key) return html`<p class="quiet">Loading …</p>`;
  if (session.access === 'open') {
    return html`<p>This is the sandbox: no provider has credentials, nothing costs anything, and no key is needed.</p>`;
  }
  if (key.admin)
    return html`<p>You are signed in with the admin key. It may do everything, and no limit holds for it.</p>`;
  return html`<dl>
      <dt>Name</dt><dd>${key.name}</dd>
      <dt>Key</dt><dd><code>${key.id}</code> of the account <code>${key.account}</code></dd>
      <dt>Models</dt><dd>${listed(key.allow?.models)}</dd>
      <dt>Providers</dt><dd>${listed(key.allow?.providers)}</dd>
      <dt>Expires</dt><dd>${key.expires_at ? moment(key.expires_at) : 'never'}</dd>
    </dl>
    <${Budget} label="This key" budget=${key.budget} of=${key} />
    ${key.account_budget && html`<${Budget} label=${`The account ${key.account}`} budget=${key.account_budget} of=${key.account_budget} />`}
    <${Table} caption="Limits" rows=${limitRows(key.limits)} rowKey=${({ name }) => name} empty="This key has no limits."
      columns=${[
        { label: 'Limit', cell: ({ name }) => name },
        { label: 'At most', numeric: true, cell: ({ limit }) => count(limit) },
      ]} />`;
}
