/** The key that one is signed in with: its budget, its limits, and what it may use. */
import { ErrorText, useApi } from '../lib/api.js';
import { html } from '../lib/html.js';
import { Table } from '../lib/table.js';
import { count, duration, moment } from '../lib/text.js';
import { Link } from '../lib/url.js';
import { Budget, LIMITS } from './key-budget.js';

/** One row a limit that is set, with what is left of those that the account counts. */
function limitRows({ limits, rate_limits: counted }) {
  return Object.entries(LIMITS).flatMap(([name, text]) => {
    const now = counted?.find((one) => one.name === name);
    return limits?.[name] == null ? [] : [{ text, limit: limits[name], now }];
  });
}

const listed = (names) => (names?.length ? names.join(', ') : 'all');
const AT_LIMIT = { clamp: 'answers are shortened', cheaper: 'offers that cost less come first' };

export default function Account({ session }) {
  const { data: key, error, reload } = useApi('/v1/key');
  if (error) return html`<${ErrorText} error=${error} retry=${reload} />`;
  if (!key) return html`<p class="quiet">Loading …</p>`;
  if (session.access === 'open') {
    return html`<p>This is the sandbox: no provider has credentials, nothing costs anything, and no key is needed.</p>`;
  }
  if (key.admin) {
    return html`<p>You are signed in with the admin key. It may do everything, and no limit holds for it.
      <${Link} to=${{ panel: 'keys' }}>The keys of callers<//></p>`;
  }
  const shared = key.account_budget;
  return html`<div class="cards">
      <section class="card"><h2>This key</h2><${Budget} of=${key} calls=${{ panel: 'live' }} /></section>
      ${
        shared &&
        html`<section class="card"><h2>All keys of the account ${key.account}</h2>
          <${Budget} of=${{ ...shared, budget: shared.limit ? shared : null }} /></section>`
      }
    </div>
    <dl>
      <dt>Name</dt><dd><bdi>${key.name}</bdi></dd>
      <dt>Key</dt><dd><code>${key.id}</code> of the account <code>${key.account}</code></dd>
      <dt>Models</dt><dd>${listed(key.allow?.models)}</dd>
      <dt>Providers</dt><dd>${listed(key.allow?.providers)}</dd>
      <dt>Expires</dt><dd>${key.expires_at ? moment(key.expires_at) : 'never'}</dd>
      <dt>When the budget runs low</dt><dd>${AT_LIMIT[key.at_limit] ?? key.at_limit}</dd>
      <dt>Calls under way</dt><dd>${count(key.running)}</dd>
    </dl>
    <${Table} caption="Limits" rows=${limitRows(key)} rowKey=${({ text }) => text} empty="This key has no limits."
      columns=${[
        { label: 'Limit', cell: ({ text }) => text },
        { label: 'At most', numeric: true, cell: ({ limit }) => count(limit) },
        { label: 'Left now', numeric: true, cell: ({ now }) => count(now?.remaining) },
        { label: 'Full again in', numeric: true, cell: ({ now }) => duration(now?.reset_ms) },
      ]} />`;
}
