/** How the providers do: breakers, speeds, token drift, a probe; and the configuration, without any secret. */
import { api, ErrorText, useApi } from '../lib/api.js';
import { html, useEffect, useState } from '../lib/html.js';
import { Table } from '../lib/table.js';
import { count, duration, percent } from '../lib/text.js';
import { Link } from '../lib/url.js';

const AGAIN_MS = 15_000;

const BREAKERS = {
  closed: ['good-text', 'closed: works'],
  half_open: ['warn-text', 'half open: tried again'],
  open: ['bad-text', 'open: keeps failing'],
};
const STATUS = {
  ok: ['good-text', 'All is well.'],
  degraded: ['warn-text', 'Something is wrong: see below.'],
  no_providers: ['bad-text', 'No provider is configured.'],
};
const Said = ({ of: [kind, text] }) => html`<strong class=${kind}>${text}</strong>`;

const offer = {
  label: 'Offer',
  cell: (row) => html`${row.provider}${row.service && ` / ${row.service}`} <code>${row.provider_model}</code>`,
  sort: (row) => row.provider,
};
const named = (row) => [row.provider, row.service, row.provider_model, row.tools].join(' ');

function Probe({ providers }) {
  const [state, set] = useState({});
  const probe = async () => {
    set({ busy: true });
    set(
      await api('/v1/health?probe=1').then(
        ({ providers: probed }) => ({ probed }),
        (error) => ({ error }),
      ),
    );
  };
  const rows = (state.probed ?? providers).flatMap(({ id, probe: found }) =>
    found?.length
      ? found.map((one) => ({ id, ...one }))
      : [{ id, asked: '', message: found ? 'It has nothing free to ask.' : 'Not asked yet.' }],
  );
  const result = ({ ok, fault }) =>
    ok === undefined
      ? '–'
      : ok
        ? html`<${Said} of=${['good-text', 'works']} />`
        : html`<${Said} of=${['bad-text', `wrong ${fault ?? ''}`]} />`;
  return html`<${Table} caption="Providers with credentials" rows=${rows} rowKey=${({ id, service, asked }) => `${id} ${service} ${asked}`} empty="None yet."
      columns=${[
        {
          label: 'Provider',
          cell: ({ id, service }) =>
            html`<${Link} to=${{ panel: 'live', provider: id }}>${id}<//>${service && ` / ${service}`}`,
        },
        { label: 'Probe', cell: result },
        {
          label: 'What was found',
          cell: ({ message, missing, asked }) =>
            html`${message}${missing?.length > 0 && ` Missing: ${missing.join(', ')}.`}${asked && html`<br /><span class="quiet">${asked}</span>`}`,
        },
      ]} />
    <p><button type="button" disabled=${state.busy} onClick=${probe}>Probe the providers</button> <span class="quiet" role="status">${state.busy ? 'Asking …' : state.probed ? 'Asked.' : 'Sends each something that costs nothing.'}</span></p>
    <${ErrorText} error=${state.error} />`;
}

const shown = (value) =>
  value === null || value?.length === 0
    ? 'not set'
    : typeof value !== 'object'
      ? String(value)
      : Array.isArray(value)
        ? value.map((one) => (typeof one === 'string' ? one : Object.values(one).join(': '))).join(', ')
        : Object.entries(value)
            .map(([name, one]) => `${name} ${one ?? 'not set'}`)
            .join(', ');

function Configuration({ warnings, configuration: { not_configured: missing, ...settings } }) {
  return html`<h2>Configuration</h2>
    ${warnings.length > 0 ? html`<ul>${warnings.map((one) => html`<li class="warn-text">${one}</li>`)}</ul>` : html`<p>No mistakes, and nothing that looks like one.</p>`}
    <${Table} caption="Settings in effect" rows=${Object.entries(settings)}
      columns=${[
        { label: 'Setting', cell: ([name]) => name.replaceAll('_', ' ') },
        { label: 'Value', cell: ([, value]) => shown(value) },
      ]} />
    <${Table} caption="Providers that could be added" rows=${missing} rowKey=${({ id }) => id} empty="All of them have credentials."
      columns=${[
        { label: 'Provider', cell: ({ id }) => id },
        { label: 'Set up by', cell: ({ variables }) => html`<code>${variables.join(', ')}</code>` },
      ]} />`;
}

export default function Health({ session }) {
  const { data, error, reload } = useApi('/v1/health');
  useEffect(() => {
    const timer = setInterval(() => document.hidden || reload(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [reload]);
  if (!data)
    return error ? html`<${ErrorText} error=${error} retry=${reload} />` : html`<p class="quiet">Loading …</p>`;
  return html`<${ErrorText} error=${error} retry=${reload} />
    <p><${Said} of=${STATUS[data.status] ?? ['', data.status]} />${data.sandbox && ' The sandbox plays all providers.'} Figures are those of the isolate that answered, since it began.</p>
    ${
      session.admin
        ? html`<${Probe} providers=${data.providers} />`
        : html`<p>Providers: ${data.providers.map(({ id }) => id).join(', ') || 'none'}.</p>`
    }
    <${Table} caption="Offers that were used" rows=${data.offers} rowKey=${named} empty="None has been used since this isolate began."
      columns=${[
        offer,
        { label: 'Breaker', cell: ({ breaker }) => html`<${Said} of=${BREAKERS[breaker] ?? ['', breaker]} />` },
        { label: 'First token', numeric: true, cell: (row) => duration(row.ttft_ms), sort: (row) => row.ttft_ms },
        {
          label: 'Tokens a second',
          numeric: true,
          cell: (row) => count(row.tokens_per_second),
          sort: (row) => row.tokens_per_second,
        },
        { label: 'Answers measured', numeric: true, cell: (row) => count(row.samples) },
      ]} />
    <${Table} caption="Token drift: bills that differ from our exact count" rows=${data.token_drift} rowKey=${named} empty="No bill could be compared yet."
      columns=${[
        offer,
        { label: 'Tokens a prompt', numeric: true, cell: (row) => count(row.tokens) },
        {
          label: 'Share',
          numeric: true,
          cell: (row) => html`<span class=${row.drifting ? 'warn-text' : undefined}>${percent(row.share)}</span>`,
        },
        { label: 'Bills', numeric: true, cell: (row) => count(row.samples) },
      ]} />
    ${
      data.token_estimates.length > 0 &&
      html`<${Table} caption="Estimates, corrected by bills" rows=${data.token_estimates} rowKey=${named}
        columns=${[
          offer,
          { label: 'Tools', cell: ({ tools }) => (tools ? 'with' : 'without') },
          { label: 'Scale', numeric: true, cell: (row) => count(row.scale) },
          { label: 'Extra tokens', numeric: true, cell: (row) => count(row.extra_tokens) },
          { label: 'Error at most', numeric: true, cell: (row) => percent(row.error_bound) },
        ]} />`
    }
    ${data.configuration && html`<${Configuration} ...${data} />`}`;
}
