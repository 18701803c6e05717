/** The whole story of one call: its attempts on a time line, its tokens, its cost, and what it would have cost elsewhere. */
import { ErrorText, useApi } from '../lib/api.js';
import { StackedBar } from '../lib/bars.js';
import { html, useEffect, useRef } from '../lib/html.js';
import { exactMoney, Money, parseMoney, ratio, sumMoney } from '../lib/money.js';
import { Table } from '../lib/table.js';
import { count, duration, moment } from '../lib/text.js';
import { Link } from '../lib/url.js';

/** What attempts cost: what is known exactly, the most that others may have cost, and how many are unknown. */
export function Costs({ attempts, exact: whole = false }) {
  const of = (kind) => attempts.filter(({ billing }) => billing === kind);
  const [exact, upper, unknown] = [of('exact'), of('upper_bound'), of('unknown').length];
  const parts = [
    exact.length > 0 && html`<${Money} value=${sumMoney(exact.map(({ cost }) => cost))} exact=${whole} />`,
    upper.length > 0 && html`<${Money} value=${sumMoney(upper.map(({ cost }) => cost))} exact=${whole} upper />`,
    unknown > 0 && html`<span class="unknown">${unknown > 1 ? `${unknown} unknown` : 'unknown'}</span>`,
  ].filter(Boolean);
  return parts.length > 0
    ? parts.map((part, at) => [at > 0 && ' + ', part])
    : html`<span class="quiet">not billed</span>`;
}

export const Outcome = ({ outcome }) =>
  html`<span class=${outcome === 'ok' ? 'good-text' : 'bad-text'}>${outcome}</span>`;

const begun = ({ started_at: at }) => Date.parse(at);
const ended = (row) => begun(row) + row.latency_ms;

/** What became of an attempt, in words. */
function storyOf(row, at, rows) {
  const { ttft_ms: first, latency_ms: whole, outcome, status, finish_reason: finish } = row;
  const next = rows[at + 1];
  const end =
    outcome === 'ok' ? `ended with ${finish ?? 'no reason'}` : `${outcome}${status ? ` (HTTP ${status})` : ''}`;
  const gap = next && begun(next) - ended(row);
  return [
    row.resumed && 'Goes on with the answer that an earlier attempt began.',
    first === null
      ? `${outcome === 'ok' ? 'Answered' : 'Failed'} after ${duration(whole)}: ${end}.`
      : `First token after ${duration(first)}, then a stream of ${duration(whole - first)}: ${end}.`,
    row.canceled && 'Canceled: the caller left, or nobody wanted the rest.',
    row.undelivered && 'Billed, though the caller did not get all of it.',
    row.expired && 'Nobody settled it in time, so its cost is what was held for it.',
    row.overrun && 'It cost more than was held for it.',
    next &&
      (gap < 0
        ? `Attempt ${next.attempt} began meanwhile.`
        : `Handed over to attempt ${next.attempt} after ${duration(gap)}.`),
  ]
    .filter(Boolean)
    .join(' ');
}

/** An attempt within the time of its call: waiting for the first token, then the stream; failures have their colour. */
function Lane({ row, from, whole, label }) {
  const { ttft_ms: first, latency_ms: ms, outcome } = row;
  const part = (kind, start, long) =>
    html`<span class=${`span ${kind}`} style=${{ left: `${((start - from) / whole) * 100}%`, width: `${(long / whole) * 100}%` }}></span>`;
  const last = outcome === 'ok' ? 'c3' : 'c2';
  return html`<span class="bar" role="img" aria-label=${label} style=${{ minWidth: '12rem' }}>
    ${part(first === null ? last : 'c1', begun(row), first ?? ms)}
    ${first !== null && part(last, begun(row) + first, ms - first)}
  </span>`;
}

function Attempts({ rows, created }) {
  const from = Math.min(Date.parse(created), ...rows.map(begun));
  const whole = Math.max(1, ...rows.map((row) => ended(row) - from));
  const all = rows.map((row, at) => ({ ...row, story: storyOf(row, at, rows) }));
  return html`<${Table} caption=${`Attempts, within ${duration(whole)}`} rows=${all} rowKey=${({ attempt }) => attempt}
    columns=${[
      { label: 'Attempt', numeric: true, cell: ({ attempt }) => attempt },
      {
        label: 'Offer',
        cell: (row) =>
          html`${row.provider}${row.service && ` / ${row.service}`}<br /><code>${row.provider_model}</code>`,
      },
      { label: 'Began', numeric: true, cell: (row) => `+${duration(begun(row) - from)}` },
      { label: 'Time', cell: (row) => html`<${Lane} row=${row} from=${from} whole=${whole} label=${row.story} />` },
      { label: 'What happened', cell: ({ story }) => story },
      { label: 'Cost', numeric: true, cell: (row) => html`<${Costs} attempts=${[row]} />` },
    ]} />
    <p class="quiet">Blue waits for the first token, green is the answer, and orange is an attempt that failed.</p>`;
}

/** The tokens of the attempts in buckets that do not overlap. */
function Tokens({ rows }) {
  const counted = rows.filter(({ tokens_from: from }) => from !== null);
  if (counted.length === 0) return html`<p>Its tokens are not known.</p>`;
  const sum = (of) => counted.reduce((all, row) => all + of(row), 0);
  const buckets = [
    ['prompt', sum((row) => row.prompt_tokens - row.cached_tokens)],
    ['prompt from a cache', sum((row) => row.cached_tokens)],
    ['answer', sum((row) => row.completion_tokens - row.reasoning_tokens)],
    ['reasoning', sum((row) => row.reasoning_tokens)],
  ].map(([label, tokens]) => ({ label: `${label}: ${count(tokens)}`, tokens }));
  const total = sum((row) => row.prompt_tokens + row.completion_tokens);
  return html`<${StackedBar} parts=${buckets.map(({ label, tokens }) => ({ label, share: tokens / Math.max(1, total) }))} />
    <p>${buckets.map(({ label }) => label).join(', ')}. Counted by the ${[...new Set(counted.map((row) => row.tokens_from))].join(' and the ')}.</p>`;
}

/** A call's other offers, by what the same tokens would have cost there. */
function Alternatives({ rows, cost }) {
  const known = rows.map((row) => parseMoney(row.cost)).filter((other) => other !== null);
  const most = known.reduce((high, other) => (other > high ? other : high), cost ?? 1n);
  const compared = (row) => {
    const other = parseMoney(row.cost);
    if (other === null) return row.reason;
    const more = cost === null ? 0n : other - cost;
    const words = more === 0n ? 'the same' : `${exactMoney(more > 0n ? more : -more)} ${more > 0n ? 'more' : 'less'}`;
    return html`<span class="bar"><span style=${{ width: `${ratio(other, most) * 100}%` }}></span></span>${cost !== null && words}`;
  };
  return html`<${Table} caption="The same tokens at every other offer" rows=${rows} empty="The model has no other offer."
    columns=${[
      { label: 'Provider', cell: ({ provider }) => provider },
      { label: 'Model there', cell: (row) => html`<code>${row.provider_model ?? row.model}</code>` },
      {
        label: 'Cost',
        numeric: true,
        cell: (row) => html`${row.estimate && 'about '}<${Money} value=${row.cost} />`,
        sort: (row) => parseMoney(row.cost),
      },
      { label: 'Compared', cell: compared },
    ]} />`;
}

/** @param names names of keys by their ids */
export function Call({ id, account, names }) {
  const path = `/v1/generations/${encodeURIComponent(id)}${account ? `?account=${encodeURIComponent(account)}` : ''}`;
  const { data: call, error, reload } = useApi(path);
  const heading = useRef();
  useEffect(() => heading.current?.focus(), []);
  const shown = call?.id === id.replace(/^(?:resp|msg)_/, 'gen-') ? call : undefined;
  const known = shown && shown.unknown_cost === 0 ? sumMoney([shown.cost, shown.cost_upper_bound]) : null;
  return html`<p><${Link} to=${{ call: '', of: '' }}>All calls<//></p>
    <h2 tabindex="-1" ref=${heading} style=${{ outline: 'none' }}>Call <code>${id}</code></h2>
    <${ErrorText} error=${error} retry=${reload} />
    ${
      shown &&
      html`<dl>
        <dt>Asked</dt><dd><code>${shown.asked}</code> by ${shown.dialect}${shown.streamed && ', streamed'}, ${moment(shown.created_at)}</dd>
        <dt>Key</dt><dd><${Link} to=${{ call: '', of: '', key: shown.key }}>${names.get(shown.key) ?? shown.key}<//> of the account ${shown.account}</dd>
        <dt>Outcome</dt><dd><${Outcome} outcome=${shown.attempts.at(-1).outcome} /></dd>
        <dt>Cost</dt><dd><${Costs} attempts=${shown.attempts} exact /></dd>
        <dt>Price</dt><dd>${shown.attempts.at(-1).price ?? 'unknown'}</dd>
        <dt>Tokens</dt><dd><${Tokens} rows=${shown.attempts} /></dd>
      </dl>
      <${Attempts} rows=${shown.attempts} created=${shown.created_at} />
      <${Alternatives} rows=${shown.alternatives} cost=${known} />
      <p class="quiet">No text of the prompt or the answer is kept, so there is none to show.</p>`
    }`;
}
