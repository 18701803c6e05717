/** What calls cost: by provider, model or key, over time, and what routing saved. */
import { ErrorText, useApi } from '../lib/api.js';
import { StackedBar } from '../lib/bars.js';
import { Code } from '../lib/copy.js';
import { classes, html, useMemo } from '../lib/html.js';
import { largest, Money, parseMoney, ratio } from '../lib/money.js';
import { useRange } from '../lib/range.js';
import { Table } from '../lib/table.js';
import { brief, count, duration, percent } from '../lib/text.js';
import { Link, setQuery, useQuery } from '../lib/url.js';
import { OverTime } from './spend-chart.js';
import { Savings } from './spend-saved.js';

const GROUPS = { provider: 'Provider', model: 'Model', key: 'Key' };
const FILTERS = ['provider', 'model', 'key'];

/** Shown in the address as `by` and as filters. */
function useView() {
  const query = useQuery();
  const by = query.by in GROUPS ? query.by : 'provider';
  const filters = Object.fromEntries(FILTERS.flatMap((name) => (query[name] ? [[name, query[name]]] : [])));
  const filtered = Object.entries(filters)
    .map(([name, value]) => `&${name}=${encodeURIComponent(value)}`)
    .join('');
  return { by, filters, filtered };
}

const share = (part, whole) => (whole > 0 ? part / whole : undefined);

/** Requests behind a figure: the Live panel with the same time range and filters. */
const Rows = ({ of, children }) => html`<${Link} to=${{ panel: 'live', ...of }}>${children}<//>`;

/** Money that is known, money that is bounded, and how often neither is. They are never added up. */
const Spent = ({ figures: { cost, cost_upper_bound: bound, unknown_cost: unknown } }) => html`<${Money} value=${cost} />
  ${parseMoney(bound) > 0n && html`<div class="quiet">and <${Money} value=${bound} upper /> that may have been billed</div>`}
  ${unknown > 0 && html`<div class="unknown">and ${count(unknown)} requests of unknown cost</div>`}`;

/** The parts of tokens; they do not overlap. */
const bucketsOf = (figures) => [
  ['prompt', figures.prompt_tokens - figures.cached_tokens],
  ['cached prompt', figures.cached_tokens],
  ['completion', figures.completion_tokens - figures.reasoning_tokens],
  ['reasoning', figures.reasoning_tokens],
];

function Tokens({ figures }) {
  const buckets = bucketsOf(figures);
  const all = buckets.reduce((sum, [, tokens]) => sum + tokens, 0);
  const parts = buckets.map(([name, tokens]) => ({
    label: `${count(tokens)} ${name}`,
    share: share(tokens, all) ?? 0,
  }));
  return html`<strong>${brief(all)}</strong>
    <${StackedBar} parts=${parts} />
    <ul class="legend">${parts.map(({ label }, at) => html`<li key=${at}><span class=${`swatch c${at + 1}`}></span> ${label}</li>`)}</ul>
    ${figures.unknown_tokens > 0 && html`<div class="unknown">and ${count(figures.unknown_tokens)} requests of unknown tokens</div>`}`;
}

function Cards({ total, filters }) {
  const later = total.requests - total.calls;
  const left = [
    [total.canceled, 'canceled by the caller'],
    [total.undelivered, 'billed, but not wholly delivered'],
    [total.expired, 'never settled, so their cost is a bound'],
  ].filter(([number]) => number > 0);
  return html`<div class="cards">
    <div class="card"><h2>Cost</h2><strong><${Money} value=${total.cost} /></strong>
      <div class="quiet">known exactly</div>
      ${parseMoney(total.cost_upper_bound) > 0n && html`<div><${Money} value=${total.cost_upper_bound} upper /> more may have been billed</div>`}
      ${total.unknown_cost > 0 && html`<div class="unknown">${count(total.unknown_cost)} requests of unknown cost</div>`}
    </div>
    <div class="card"><h2>Calls</h2><strong><${Rows} of=${filters}>${count(total.calls)}<//></strong>
      <div>${count(total.requests)} requests to providers</div>
      <div>${percent(share(later, total.requests))} of them (${count(later)}) came after a failed one</div>
    </div>
    <div class="card"><h2>Failed requests</h2><strong>${percent(share(total.errors, total.requests))}</strong>
      <div>${count(total.errors)} of ${count(total.requests)}</div>
      ${left.map(([number, what]) => html`<div key=${what}>${count(number)} ${what}</div>`)}
    </div>
    <div class="card"><h2>Tokens</h2><${Tokens} figures=${total} /></div>
  </div>`;
}

function Choice({ by, filters }) {
  return html`<div class="row">
    <div class="row" role="group" aria-label="Divide by">
      ${Object.entries(GROUPS).map(
        ([name, label]) => html`<${Link} key=${name} to=${{ by: name }} class=${classes('chip', by === name && 'on')}
          aria-current=${by === name ? 'true' : undefined}>By ${label.toLowerCase()}<//>`,
      )}
    </div>
    ${Object.entries(filters).map(
      ([name, value]) => html`<button key=${name} type="button" class="small" onClick=${() => setQuery({ [name]: '' })}>
        ${GROUPS[name]}: ${value} ✕<span class="hidden"> (show all)</span></button>`,
    )}
  </div>`;
}

function Groups({ by, rows, names, path }) {
  const most = largest(rows.map(({ cost }) => parseMoney(cost)));
  const number = (label, of, show = count) => ({ label, numeric: true, cell: (row) => show(of(row)), sort: of });
  const columns = [
    {
      label: GROUPS[by],
      cell: (row) => html`<${Link} to=${{ [by]: row[by] }}>${names[row[by]] ?? row[by]}<//>`,
      sort: (row) => row[by],
    },
    {
      label: 'Cost',
      numeric: true,
      cell: (row) => html`<${Spent} figures=${row} />`,
      sort: (row) => parseMoney(row.cost),
    },
    {
      label: 'Share',
      cell: (row) => {
        const parts = [{ label: `${percent(ratio(row.cost, most))} of the largest`, share: ratio(row.cost, most) }];
        return html`<${StackedBar} parts=${parts} />`;
      },
    },
    {
      label: 'Requests',
      numeric: true,
      cell: (row) => html`<${Rows} of=${{ [by]: row[by] }}>${count(row.requests)}<//>`,
      sort: (row) => row.requests,
    },
    number('Failed', (row) => share(row.errors, row.requests), percent),
    number('After a failed one', (row) => share(row.requests - row.calls, row.requests), percent),
    ...[0, 1, 2, 3].map((at) => number(TOKEN_LABELS[at], (row) => bucketsOf(row)[at][1])),
  ];
  return html`<${Table} caption=${`By ${GROUPS[by].toLowerCase()}`} rows=${rows} columns=${columns}
    rowKey=${(row) => row[by]} csv=${path} csvName=${`spend-by-${by}.csv`} />`;
}
const TOKEN_LABELS = ['Prompt', 'Cached', 'Completion', 'Reasoning'];

/** Why requests failed. What a failed request cost is part of all sums. */
function Failures({ rows, path }) {
  const failed = rows.filter(({ outcome }) => outcome !== 'ok');
  return html`<${Table} caption="Failed requests" rows=${failed} rowKey=${(row) => `${row.outcome} ${row.provider}`}
    empty="No request failed in this time." csv=${path} csvName="outcomes.csv" columns=${[
      {
        label: 'Error',
        cell: ({ outcome, provider }) => html`<${Rows} of=${{ outcome, provider }}>${outcome}<//>`,
        sort: ({ outcome }) => outcome,
      },
      { label: 'Provider', cell: ({ provider }) => provider, sort: ({ provider }) => provider },
      { label: 'Requests', numeric: true, cell: ({ requests }) => count(requests), sort: ({ requests }) => requests },
      {
        label: 'Cost',
        numeric: true,
        cell: (row) => html`<${Spent} figures=${row} />`,
        sort: ({ cost }) => parseMoney(cost),
      },
    ]} />`;
}

/** Tokens a second over whole requests, the waiting included. */
const speedOf = ({ completion_tokens: tokens, latency_ms: ms, requests }) =>
  tokens > 0 && ms > 0 ? (tokens * 1000) / (ms * requests) : undefined;

/** Averages are of the time that is shown. The gateway keeps histograms of all time only, and this says so. */
function Offers({ data, path }) {
  const of = new Map((data.percentiles ?? []).map((one) => [JSON.stringify([one.provider, one.model]), one]));
  const rows = data.data.map((row) => ({
    ...row,
    ...of.get(JSON.stringify([row.provider, row.model])),
    averages: row,
  }));
  const number = (label, value, show = duration) => ({
    label,
    numeric: true,
    cell: (row) => show(value(row)),
    sort: value,
  });
  const three = (label, name) => ({
    label: `${label}: p50, p90, p99 of all time`,
    numeric: true,
    cell: ({ [name]: found }) =>
      found?.p50 === undefined ? '–' : [found.p50, found.p90, found.p99].map((ms) => duration(ms)).join(' · '),
    sort: ({ [name]: found }) => found?.p50,
  });
  return html`<${Table} caption="Speed by offer" rows=${rows} rowKey=${(row) => `${row.provider} ${row.model}`}
    csv=${path} csvName="speed.csv" columns=${[
      { label: 'Model', cell: ({ model }) => model, sort: ({ model }) => model },
      {
        label: 'Provider',
        cell: ({ model, provider }) => html`<${Rows} of=${{ model, provider }}>${provider}<//>`,
        sort: ({ provider }) => provider,
      },
      number('Requests', ({ averages }) => averages.requests, count),
      number('Tokens a second', ({ averages }) => speedOf(averages), count),
      number('First content, average', ({ averages }) => averages.ttft_ms),
      ...(data.percentiles ? [three('First content', 'ttft_ms')] : []),
      number('Whole, average', ({ averages }) => averages.latency_ms),
      ...(data.percentiles ? [three('Whole', 'latency_ms')] : []),
    ]} />`;
}

/** Names of the main account's newest keys, for the admin. All others are shown by their ids. */
function useKeyNames(wanted) {
  const { data } = useApi(wanted ? '/v1/keys?revoked=true' : undefined);
  return useMemo(() => Object.fromEntries((data?.data ?? []).map(({ id, name }) => [id, name])), [data]);
}

function NothingYet() {
  const text = `curl ${location.origin}/v1/chat/completions \\
  -H "Authorization: Bearer $CHASQUI_API_KEY" -H 'Content-Type: application/json' \\
  -d '{"model": "gpt-oss-120b", "messages": [{"role": "user", "content": "Hello"}]}'`;
  return html`<p>No call was made in this time. Each call that a provider answers or fails stands here seconds later, with its
    exact cost. Choose another time above, <${Link} to=${{ panel: 'try' }}>try a prompt<//>, or send one:</p>
    <${Code} text=${text} label="A first call" />`;
}

export default function Spend({ session }) {
  const range = useRange();
  const { by, filters, filtered } = useView();
  const path = (group) => `/v1/usage?group_by=${group}&${range.query}${filtered}&limit=1000`;
  const usage = useApi(path(by));
  const percentiles = session.admin && !filters.key ? '&percentiles=all_time' : '';
  const offers = useApi(path('provider,model') + percentiles);
  const outcomes = useApi(path('outcome,provider'));
  const names = useKeyNames(by === 'key' && session.admin);
  const { data, error } = usage;
  if (error) return html`<${ErrorText} error=${error} retry=${usage.reload} />`;
  if (!data) return html`<p class="quiet">Loading …</p>`;
  // The answer before this one, while the next is on its way, may have other groups.
  const shown = data.group_by[0];
  if (data.total.requests === 0) return html`<${Choice} by=${by} filters=${filters} /><${NothingYet} />`;
  return html`<${Choice} by=${by} filters=${filters} />
    <${Cards} total=${data.total} filters=${filters} />
    ${data.pending !== 0 && html`<p class="quiet">${data.pending === null ? 'An account did not answer in time, so the newest calls may be missing.' : `${count(data.pending)} requests that just ended are not in these figures yet.`}</p>`}
    <${OverTime} by=${shown} range=${range} filtered=${filtered} groups=${data.data} names=${names} />
    <${Groups} by=${shown} rows=${data.data} names=${names} path=${path(shown)} />
    ${data.has_more && html`<p>These are the first ${count(data.data.length)}. The totals above are of all; the API has the rest.</p>`}
    <${ErrorText} error=${outcomes.error} retry=${outcomes.reload} />
    ${outcomes.data && html`<${Failures} rows=${outcomes.data.data} path=${path('outcome,provider')} />`}
    <${ErrorText} error=${offers.error} retry=${offers.reload} />
    ${offers.data && html`<${Offers} data=${offers.data} path=${path('provider,model')} />`}
    <${Savings} range=${range} filtered=${filtered} />`;
}
