/** What routing saved: the same traffic as `/v1/whatif` reprices it under other rules. */
import { ErrorText, useApi } from '../lib/api.js';
import { html } from '../lib/html.js';
import { Money, parseMoney } from '../lib/money.js';
import { Table } from '../lib/table.js';
import { count } from '../lib/text.js';
import { Link } from '../lib/url.js';

/** What another choice costs more than what was paid. `would`: told from the other choice's side. */
export function Saved({ delta, would = false }) {
  const nano = parseMoney(delta);
  if (nano === null) return html`<span class="unknown">unknown</span>`;
  if (nano === 0n) return 'nothing';
  const size = nano > 0n ? nano : -nano;
  if (would) {
    return html`<span class=${nano > 0n ? 'bad-text' : 'good-text'}><${Money} value=${size} /> ${nano > 0n ? 'more' : 'less'}</span>`;
  }
  return html`<span class=${nano > 0n ? 'good-text' : 'bad-text'}><${Money} value=${size} /> ${nano > 0n ? 'saved' : 'too much'}</span>`;
}

export function Savings({ range, filtered }) {
  const path = (policy) => `/v1/whatif?from=${range.fromDay}&to=${range.toDay}${filtered}&policy=${policy}`;
  const first = useApi(path('first'));
  const most = useApi(path('most_expensive'));
  const error = first.error ?? most.error;
  const again = () => {
    first.reload();
    most.reload();
  };
  if (error) return html`<h2>Saved by routing</h2><${ErrorText} error=${error} retry=${again} />`;
  if (!first.data || !most.data) return null;
  const lineOf = ({ data }) => data.data.find(({ policy }) => policy);
  const rows = [
    { name: 'Always the first provider', to: {}, ...lineOf(first) },
    { name: 'Always the most expensive offer', to: {}, ...lineOf(most) },
    ...first.data.data.filter(({ provider }) => provider).map((line) => ({ name: `${line.provider} alone`, ...line })),
  ];
  const wide = range.fromMs % 86_400_000 !== 0 || range.toMs % 86_400_000 !== 0;
  return html`<${Table} caption="Saved by routing" rows=${rows} rowKey=${({ name }) => name} columns=${[
    { label: 'Compared with', cell: ({ name }) => name },
    {
      label: 'Would have cost',
      numeric: true,
      cell: ({ cost, estimate }) => html`${estimate && cost !== null ? 'about ' : ''}<${Money} value=${cost} />`,
    },
    {
      label: 'Did cost',
      numeric: true,
      cell: ({ compared_with: { cost, cost_upper_bound: bound } }) =>
        html`<${Money} value=${cost} />${parseMoney(bound) > 0n && html` and <${Money} value=${bound} upper />`}`,
    },
    { label: 'Difference', cell: ({ delta }) => html`<${Saved} delta=${delta} />` },
    { label: 'Requests', numeric: true, cell: ({ requests }) => count(requests) },
    { label: 'Without a price', numeric: true, cell: ({ unpriced_requests: without }) => count(without) },
  ]} />
  <p class="quiet">${wide ? `In whole days: ${range.fromDay} to ${range.toDay}. ` : ''}A difference is between the same
    requests, those with a price there; upper bounds count as paid. <${Link} to=${{ panel: 'whatif' }}>Try other policies<//>.</p>`;
}
