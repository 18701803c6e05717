/** Every model, who offers it, what it can do and what it costs today. */
import { ErrorText, useApi } from '../lib/api.js';
import { html, useMemo } from '../lib/html.js';
import { parseMoney } from '../lib/money.js';
import { Table } from '../lib/table.js';
import { count } from '../lib/text.js';
import { Link, setQuery, useQuery } from '../lib/url.js';
import { Abilities, CAPABILITIES, Model } from './model.js';
import { isServed, Price, Status } from './price-parts.js';

const PRICES = {
  stale: 'stale',
  unknown: 'unknown',
  set: 'set by an admin',
};

const offersOf = ({ offers = [] }) => offers.filter(isServed);

/** For the order alone: one million tokens in and one out. Prices by time come last. */
const size = ({ input_per_mtok: input, output_per_mtok: output }) =>
  input === undefined ? undefined : parseMoney(input) + parseMoney(output ?? '0');

/** The lowest price by the token among the offers that can be used here; else among all that are served. */
function cheapest(model) {
  const served = offersOf(model).filter(({ pricing }) => pricing && size(pricing) !== undefined);
  const here = served.filter(({ configured }) => configured);
  const [first] = (here.length > 0 ? here : served).sort((a, b) => (size(a.pricing) < size(b.pricing) ? -1 : 1));
  return first;
}

/** Whether an offer's price is as the filter asks. */
const priced = (offer, wanted, rules) => {
  if (wanted === 'unknown') return offer.pricing === null;
  const row = rules.get(offer.pricing?.rule);
  return wanted === 'stale' ? Boolean(row?.stale) : row?.layer === 'admin';
};

function matches(model, { q, provider, can, price }, rules) {
  const names = [model.id, model.name, ...(model.aliases ?? []), ...(model.openrouter ?? []), ...(model.models ?? [])];
  const words = (q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const text = [...names, ...(model.offers ?? []).map((offer) => offer.provider_model)].join(' ').toLowerCase();
  const of = (offer) => !provider || offer.provider === provider;
  const able = (offer) => !can || model.capabilities?.[can] || offer.capabilities?.[can];
  const narrowed = Boolean(provider || can || price);
  return (
    words.every((word) => text.includes(word)) &&
    (!narrowed || offersOf(model).some((offer) => of(offer) && able(offer) && (!price || priced(offer, price, rules))))
  );
}

function Choice({ name, label, value = '', choices }) {
  return html`<label>${label} <select name=${name} onChange=${(event) => setQuery({ [name]: event.target.value })}>
    <option value="" selected=${value === ''}>any</option>
    ${Object.entries(choices).map(([id, text]) => html`<option key=${id} value=${id} selected=${id === value}>${text}</option>`)}
  </select></label>`;
}

function Filters({ query, providers }) {
  const toggle = (event) => setQuery({ usable: event.target.checked ? '1' : '' });
  return html`<search class="row">
    <label>Search <input type="search" name="q" autocomplete="off" value=${query.q ?? ''}
      onInput=${(event) => setQuery({ q: event.target.value }, { replace: true })} /></label>
    <${Choice} name="provider" label="Provider" value=${query.provider} choices=${providers} />
    <${Choice} name="can" label="Can" value=${query.can} choices=${CAPABILITIES} />
    <${Choice} name="price" label="Price" value=${query.price} choices=${PRICES} />
    <label><input type="checkbox" name="usable" checked=${query.usable === '1'} onChange=${toggle} /> usable here now</label>
  </search>`;
}

/** The offers of a model in one cell: who serves it, and what is not certain. */
const Offerers = ({ model }) =>
  (model.offers ?? []).map(
    (offer) =>
      html`<div key=${`${offer.provider} ${offer.service} ${offer.provider_model}`}>${offer.provider}${
        offer.status !== 'live' && html` <${Status} of=${offer} />`
      }${offer.pricing === null && isServed(offer) && html` <span class="unknown">no price</span>`}</div>`,
  );

function Cheapest({ model, rules }) {
  const offer = cheapest(model);
  if (!offer) return model.models ? '–' : html`<${Price} />`;
  const row = rules.get(offer.pricing.rule);
  return html`<${Price} of=${offer.pricing} /><div class="quiet">at ${offer.provider}</div>
    ${row?.stale && html`<div class="warn-text">stale: ${count(row.age_days)} days old</div>`}
    ${row?.layer === 'admin' && html`<div class="good-text">set by an admin</div>`}`;
}

function List({ models, rules }) {
  const query = useQuery();
  const providers = useMemo(() => {
    const ids = models.flatMap(({ offers = [] }) => offers.map(({ provider }) => provider));
    return Object.fromEntries([...new Set(ids)].sort().map((id) => [id, id]));
  }, [models]);
  const shown = useMemo(() => models.filter((model) => matches(model, query, rules)), [models, query, rules]);
  const columns = useMemo(
    () => [
      {
        label: 'Model',
        cell: (model) =>
          html`<${Link} to=${{ model: model.id }}>${model.name ?? model.id}<//><div class="quiet">${model.id}</div>`,
        sort: ({ id }) => id,
      },
      { label: 'Kind', cell: ({ kind, models: stands }) => (stands ? 'route' : kind), sort: ({ kind }) => kind },
      { label: 'Context', numeric: true, cell: (row) => count(row.context_length), sort: (row) => row.context_length },
      { label: 'Can', cell: (model) => (model.models ? '–' : html`<${Abilities} of=${model.capabilities} />`) },
      { label: 'Offers', cell: (model) => html`<${Offerers} model=${model} />` },
      {
        label: 'Lowest price today, a million tokens',
        cell: (model) => html`<${Cheapest} model=${model} rules=${rules} />`,
        sort: (model) => (cheapest(model) ? size(cheapest(model).pricing) : undefined),
      },
    ],
    [rules],
  );
  return html`<${Filters} query=${query} providers=${providers} />
    <p role="status">${shown.length === models.length ? `${count(models.length)} models` : `${count(shown.length)} of ${count(models.length)} models`}</p>
    <${Table} caption="Models" rows=${shown} columns=${columns} rowKey=${({ id }) => id} empty="No model is like this. Take a filter away." />`;
}

const NO_ROWS = [];

export default function Models({ session }) {
  const { usable, model: opened } = useQuery();
  const models = useApi(`/v1/models${usable === '1' ? '?available=1' : ''}`);
  const prices = useApi('/v1/prices');
  const rows = prices.data?.data ?? NO_ROWS;
  const rules = useMemo(() => new Map(rows.map((row) => [row.rule, row])), [rows]);
  const reload = () => {
    models.reload();
    prices.reload();
  };
  if (opened) return html`<${Model} key=${opened} id=${opened} admin=${session.admin} onPrice=${reload} />`;
  const error = models.error ?? prices.error;
  if (error) return html`<${ErrorText} error=${error} retry=${reload} />`;
  if (!models.data) return html`<p class="quiet">Loading …</p>`;
  return html`<${List} models=${models.data.data} rules=${rules} />`;
}
