/** One model: its offers, what each costs today and did before, and the form that sets a price. */
import { ErrorText, useApi } from '../lib/api.js';
import { classes, html, useEffect, useRef, useState } from '../lib/html.js';
import { Table } from '../lib/table.js';
import { count } from '../lib/text.js';
import { Link, setQuery, useQuery } from '../lib/url.js';
import { PriceForm } from './price-form.js';
import { isServed, Price, priceName, Source, Status } from './price-parts.js';

/** Capabilities in words, for models and offers. */
export const CAPABILITIES = {
  system: 'system prompt',
  tools: 'tools',
  streaming_tools: 'streamed tools',
  vision: 'images',
  reasoning: 'reasoning',
  infill: 'infilling',
  structured_output: 'structured output',
};

/** What somebody can do, as words. Of what is null it is not known. */
export function Abilities({ of: can }) {
  const known = Object.entries(CAPABILITIES).filter(([name]) => can?.[name]);
  const open = Object.entries(CAPABILITIES).filter(([name]) => can && can[name] === null);
  return html`<span class="words">${known.map(([, label]) => label).join(', ') || (open.length === 0 && html`<span class="quiet">text alone</span>`)}
    ${open.length > 0 && html` <span class="unknown">not known: ${open.map(([, label]) => label).join(', ')}</span>`}</span>`;
}

/** Names an offer in the address. */
const nameOf = (offer) => `${offer.provider} ${priceName(offer)}`;

function Offers({ offers, rows, admin, model, context }) {
  const known = new Map(rows.map((row) => [row.rule, row]));
  const columns = [
    {
      label: 'Provider',
      cell: (
        offer,
      ) => html`<${Link} to=${{ panel: 'live', provider: offer.provider, model }}>${offer.provider}<//>${offer.service && offer.service !== offer.provider && ` / ${offer.service}`}
        <div><code>${offer.provider_model}</code></div>${!offer.configured && html`<div class="quiet">no credentials here</div>`}`,
      sort: ({ provider }) => provider,
    },
    {
      label: 'Status',
      cell: (offer) =>
        html`<${Status} of=${offer} />${offer.status_note && html`<div class="quiet words">${offer.status_note}</div>`}`,
      sort: ({ status }) => status,
    },
    {
      label: 'Context',
      numeric: true,
      cell: (row) => count(row.context_length ?? context),
      sort: (row) => row.context_length ?? context,
    },
    { label: 'Most output', numeric: true, cell: (row) => count(row.max_output_tokens) },
    { label: 'Can', cell: (offer) => html`<${Abilities} of=${offer.capabilities} />` },
    { label: 'Price today', cell: (offer) => html`<${Price} of=${offer.pricing} />` },
    {
      label: 'Source and age',
      cell: ({ pricing }) => {
        const row = known.get(pricing?.rule);
        return row ? html`<${Source} of=${row} />` : html`<span class="unknown">none</span>`;
      },
    },
    {
      label: 'Set',
      cell: (
        offer,
      ) => html`<button type="button" class="small" aria-label=${`Set a price for ${offer.provider_model} at ${offer.provider}`}
        onClick=${() => setQuery({ offer: nameOf(offer) })}>Set a price</button>`,
    },
  ];
  return html`<${Table} caption="Offers" rows=${offers} columns=${admin ? columns : columns.slice(0, -1)} rowKey=${nameOf}
    rowClass=${(offer) => classes(!isServed(offer) && 'past')} empty="Nobody offers it." />`;
}

const order = (row) => [row.provider, row.provider_model, row.region, row.tier, row.valid_from ?? ''].join(' ');

/** Where a price holds. */
const whereOf = ({ region, tier }) =>
  `${region === '*' ? 'everywhere' : region}${tier === 'standard' ? '' : `, ${tier}`}`;

function History({ rows }) {
  return html`<${Table} caption="Prices by the days on which they hold" rows=${[...rows].sort((a, b) => (order(a) < order(b) ? -1 : 1))}
    rowKey=${({ rule, layer }) => `${rule} ${layer}`} rowClass=${({ in_force: now }) => classes(!now && 'past')} empty="No price is known."
    columns=${[
      { label: 'Provider', cell: (row) => html`${row.provider} <code>${row.provider_model}</code>` },
      { label: 'Where', cell: whereOf },
      { label: 'From', cell: (row) => row.valid_from ?? 'the beginning', sort: (row) => row.valid_from ?? '' },
      { label: 'To', cell: (row) => row.valid_to ?? 'open' },
      {
        label: 'In force',
        cell: (row) => (row.in_force ? html`<strong class="good-text">yes</strong>` : 'no'),
        sort: (row) => Number(!row.in_force),
      },
      { label: 'Price', cell: (row) => html`<${Price} of=${row} />` },
      {
        label: 'Set by',
        cell: ({ layer }) =>
          ({ bundled: 'the bundled list', admin: 'an admin', configuration: 'the configuration' })[layer] ?? layer,
      },
      { label: 'Source and age', cell: (row) => html`<${Source} of=${row} />` },
    ]} />`;
}

/** A route that the configuration names has no offers of its own. */
const Route = ({ model }) =>
  html`<p>A route of this deployment: it stands for ${model.models.map(
    (one, at) => html`${at > 0 && ', '}<${Link} key=${one} to=${{ model: one }}>${one}<//>`,
  )}.</p>`;

/** @param onPrice is called when a price has changed */
export function Model({ id, admin, onPrice }) {
  const { offer: chosen } = useQuery();
  const name = encodeURIComponent(id);
  const model = useApi(`/v1/models/${name}`);
  const prices = useApi(`/v1/prices?model=${name}`);
  // A price is set by the whole document of all models.
  const book = useApi(admin && chosen ? '/v1/prices' : undefined);
  const [said, say] = useState('');
  const heading = useRef();
  const error = model.error ?? prices.error ?? book.error;
  const data = model.data;
  const again = () => {
    for (const one of [model, prices, book]) one.reload();
  };
  const shown = data && prices.data;
  useEffect(() => shown && heading.current?.focus(), [shown !== undefined, id]);
  if (error) return html`<${ErrorText} error=${error} retry=${again} />`;
  if (!shown) return html`<p class="quiet">Loading …</p>`;
  const offers = data.offers ?? [];
  const offer = offers.find((one) => nameOf(one) === chosen);
  const done = (text) => {
    say(text);
    setQuery({ offer: '' });
    again();
    onPrice();
  };
  return html`<h2 tabindex="-1" ref=${heading}>${data.name ?? data.id}</h2>
    <p><code>${data.id}</code>${data.owned_by && ` · ${data.owned_by}`}${data.context_length && ` · ${count(data.context_length)} tokens of context`} · <${Link} to=${{ model: '', offer: '' }}>All models<//> · <${Link} to=${{ panel: 'try', model: data.id }}>Try it<//> · <${Link} to=${{ panel: 'spend', model: data.id }}>Its spending<//></p>
    ${data.capabilities && html`<p>Can: <${Abilities} of=${data.capabilities} /></p>`}
    ${data.aliases?.length > 0 && html`<p class="quiet">Also called ${data.aliases.join(', ')}</p>`}
    ${data.replaced_by && html`<p>Its successor is <${Link} to=${{ model: data.replaced_by, offer: '' }}>${data.replaced_by}<//>.</p>`}
    <p role="status">${said}</p>
    ${
      offer &&
      book.data &&
      html`<${PriceForm} key=${chosen} offer=${{ provider: offer.provider, name: priceName(offer) }} book=${book.data}
        today=${book.data.data.find(({ rule }) => rule === offer.pricing?.rule)} onDone=${done} onStale=${book.reload}
        onCancel=${() => setQuery({ offer: '' })} />`
    }
    ${
      data.models
        ? html`<${Route} model=${data} />`
        : html`<${Offers} offers=${offers} rows=${prices.data.data} admin=${admin} model=${data.id} context=${data.context_length} />
      <${History} rows=${prices.data.data} />`
    }`;
}
