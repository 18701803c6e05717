/** What the traffic of some days would have cost under another policy. It is asked for once; bars answer at once. */
import { ErrorText, useApi } from '../lib/api.js';
import { RangeBar } from '../lib/bars.js';
import { html, useMemo } from '../lib/html.js';
import { largest, Money, parseMoney, ratio } from '../lib/money.js';
import { deltaOf, onHardware, underPolicy } from '../lib/policy.js';
import { useRange } from '../lib/range.js';
import { Table } from '../lib/table.js';
import { count, percent } from '../lib/text.js';
import { Link, useQuery } from '../lib/url.js';
import { Saved } from './spend-saved.js';
import { Policy, usePolicy } from './whatif-policy.js';

const FILTERS = ['provider', 'model', 'key'];

/** Tokens a second of each offer over whole requests, waiting included, as they were in this time. */
function useSpeeds(path) {
  const { data } = useApi(path);
  return useMemo(() => {
    const found = new Map();
    for (const { provider, model, completion_tokens: tokens, latency_ms: ms, requests } of data?.data ?? []) {
      if (tokens > 0 && ms > 0) found.set(JSON.stringify([provider, model]), (tokens * 1000) / (ms * requests));
    }
    return data && ((provider, model) => found.get(JSON.stringify([provider, model])));
  }, [data]);
}

/** A line of the API, as sums that this page makes have it. */
const fromApi = (line) => ({
  requests: line.requests,
  cost: parseMoney(line.cost) ?? 0n,
  estimate: line.estimate,
  was: {
    cost: parseMoney(line.compared_with.cost),
    bound: parseMoney(line.compared_with.cost_upper_bound),
    unknown: line.delta === null ? 1 : 0,
  },
  without: line.unpriced_requests,
});

function linesOf(report, speeds, { policy, hardware }) {
  const { traffic, offer_prices: prices, data } = report;
  const chosen = underPolicy(traffic, prices, { ...policy, speed: policy.fast ? speeds : undefined });
  const own = hardware && onHardware(traffic, hardware.perHour, hardware.perSecond);
  const without = (sum) => sum.unpriced.reduce((all, { requests }) => all + requests, 0);
  const rows = [
    { name: 'This policy', main: true, ...chosen, without: without(chosen) },
    ...(own ? [{ name: 'Your own service', ...own, without: 0 }] : []),
    ...data.filter(({ provider }) => provider).map((line) => ({ name: `${line.provider} alone`, ...fromApi(line) })),
  ];
  return { rows, chosen, own };
}

function Bars({ rows }) {
  const paid = ({ was }) => was.cost + was.bound;
  const most = largest(rows.flatMap((row) => [row.cost, paid(row)]));
  const columns = [
    { label: 'All traffic', cell: ({ name, main }) => (main ? html`<strong>${name}</strong>` : name) },
    {
      label: 'Bar: would cost; mark: did cost',
      cell: (row) =>
        row.requests > 0 &&
        html`<${RangeBar} min=${0} max=${ratio(row.cost, most)} expected=${ratio(paid(row), most)}
          kind=${row.cost <= paid(row) ? 'good' : 'bad'} label=${`${percent(ratio(row.cost, most))} of the longest bar`} />`,
    },
    {
      label: 'Would cost',
      numeric: true,
      cell: ({ requests, cost, estimate }) =>
        html`${estimate && requests > 0 ? 'about ' : ''}<${Money} value=${requests === 0 ? null : cost} />`,
    },
    {
      label: 'Did cost',
      numeric: true,
      cell: ({ was }) =>
        html`<${Money} value=${was.cost} />${was.bound > 0n && html` and <${Money} value=${was.bound} upper />`}`,
    },
    { label: 'Difference', cell: (row) => html`<${Saved} delta=${deltaOf(row)} would />` },
    { label: 'Requests', numeric: true, cell: ({ requests }) => count(requests) },
    { label: 'Without a price', numeric: true, cell: ({ without }) => count(without) },
  ];
  return html`<${Table} caption="What it would cost" rows=${rows} rowKey=${({ name }) => name} columns=${columns} />`;
}

/** Where the policy sends the requests, beside where they went. */
function Shares({ traffic, chosen }) {
  const went = new Map();
  for (const { provider, requests } of traffic) went.set(provider, (went.get(provider) ?? 0) + requests);
  const rows = [...new Set([...went.keys(), ...chosen.by.keys()])].map((provider) => ({
    provider,
    went: went.get(provider) ?? 0,
    goes: chosen.by.get(provider)?.requests ?? 0,
    cost: chosen.by.get(provider)?.cost ?? 0n,
  }));
  return html`<${Table} caption="Where requests would go" rows=${rows} rowKey=${({ provider }) => provider} columns=${[
    {
      label: 'Provider',
      cell: ({ provider }) => html`<${Link} to=${{ panel: 'live', provider }}>${provider}<//>`,
    },
    { label: 'Requests then', numeric: true, cell: ({ went }) => count(went) },
    { label: 'Under this policy', numeric: true, cell: ({ goes }) => count(goes) },
    { label: 'Cost there', numeric: true, cell: ({ cost }) => html`<${Money} value=${cost} />` },
  ]} />`;
}

function Unpriced({ chosen, report }) {
  const rows = [
    ...chosen.unpriced.map((one) => ({ of: 'This policy', ...one })),
    ...report.unpriced.filter(({ provider }) => provider).map((one) => ({ of: `${one.provider} alone`, ...one })),
  ];
  return html`<${Table} caption="What has no price" rows=${rows} empty="Every request has a price everywhere."
    rowKey=${({ of, model, reason }) => JSON.stringify([of, model, reason])} columns=${[
      { label: 'For', cell: ({ of }) => of },
      { label: 'Model', cell: ({ model }) => html`<${Link} to=${{ panel: 'live', model }}>${model}<//>` },
      { label: 'Requests', numeric: true, cell: ({ requests }) => count(requests) },
      { label: 'Why', cell: ({ reason }) => reason },
    ]} />`;
}

/** A service is paid around the clock, also while nobody calls. */
function AroundTheClock({ own, hardware, range }) {
  const days = Math.round((Date.parse(range.toDay) - Date.parse(range.fromDay)) / 86_400_000) + 1;
  return html`<p>Your own service would write for ${count(own.hours)} hours and cost <${Money} value=${own.cost} /> for these.
    Paid around the clock, these ${count(days)} days are <${Money} value=${hardware.perHour * BigInt(days * 24)} />.</p>`;
}

export default function WhatIf() {
  const range = useRange();
  const query = useQuery();
  const set = usePolicy(query);
  const filtered = FILTERS.filter((name) => query[name])
    .map((name) => `&${name}=${encodeURIComponent(query[name])}`)
    .join('');
  const days = `from=${range.fromDay}&to=${range.toDay}${filtered}`;
  const { data: report, error, reload } = useApi(`/v1/whatif?${days}&prices=${set.prices}&detail=offers`);
  const speeds = useSpeeds(`/v1/usage?group_by=provider,model&${days}&limit=1000`);
  const worked = useMemo(
    () => (report && report.traffic.length > 0 ? linesOf(report, speeds, set) : undefined),
    [report, speeds, set],
  );
  if (error) return html`<${ErrorText} error=${error} retry=${reload} />`;
  if (!report) return html`<p class="quiet">Loading …</p>`;
  if (!worked) {
    return html`<p>Nothing was called from ${range.fromDay} to ${range.toDay} whose tokens are known. Choose another time above,
      or <${Link} to=${{ panel: 'try' }}>try a prompt<//>: seconds later this shows what it would have cost elsewhere.</p>`;
  }
  const { rows, chosen, own } = worked;
  const left = report.left_out;
  return html`<${Policy} set=${set} providers=${report.data.flatMap(({ provider }) => provider ?? [])} />
    <${Bars} rows=${rows} />
    ${own && html`<${AroundTheClock} own=${own} hardware=${set.hardware} range=${range} />`}
    <p class="quiet">Whole days (UTC), ${range.fromDay} to ${range.toDay}. Differences are between the same requests; upper bounds
      count as paid. ${left.requests > 0 && html`${count(left.requests)} requests without known tokens, most of which failed, are left out.`}</p>
    <${Shares} traffic=${report.traffic} chosen=${chosen} />
    <${Unpriced} chosen=${chosen} report=${report} />`;
}
