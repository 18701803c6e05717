/** Prices as the API gives them, as texts; and the document of prices that are set. */
import { classes, html } from '../lib/html.js';
import { Money } from '../lib/money.js';
import { count, day } from '../lib/text.js';

/** What a price is made of, by how it is billed. */
export const AMOUNTS = {
  token: {
    input_per_mtok: 'Input, dollars a million tokens',
    output_per_mtok: 'Output, dollars a million tokens',
    cache_read_per_mtok: 'Input read from the cache, dollars a million tokens',
    cache_write_per_mtok: 'Input written to the cache, dollars a million tokens',
  },
  second: {
    usd_per_second: 'Dollars a second',
    hardware: 'Hardware',
    tokens_per_second: 'Tokens a second',
  },
  hour: { usd_per_hour: 'Dollars an hour', tokens_per_second: 'Tokens a second' },
};

export const billingOf = (price) =>
  price?.usd_per_hour !== undefined ? 'hour' : price?.usd_per_second !== undefined ? 'second' : 'token';

const SHORT = {
  input_per_mtok: 'input',
  output_per_mtok: 'output',
  cache_read_per_mtok: 'read from cache',
  cache_write_per_mtok: 'written to cache',
};

/** What an offer costs, each amount with its unit. */
export function Price({ of: price }) {
  if (!price) return html`<span class="unknown">unknown</span>`;
  const speed = price.tokens_per_second !== undefined && html` at ${count(price.tokens_per_second)} tokens a second`;
  switch (billingOf(price)) {
    case 'hour':
      return html`<${Money} value=${price.usd_per_hour} /> an hour${speed}`;
    case 'second':
      return html`<${Money} value=${price.usd_per_second} /> a second${price.hardware && ` of ${price.hardware}`}${speed}`;
    default:
      return Object.entries(SHORT).map(
        ([name, label]) =>
          price[name] !== undefined &&
          html`<div key=${name} class="keep"><${Money} value=${price[name]} /> <span class="quiet">${label}</span></div>`,
      );
  }
}

/** Where a price is from, and how old it is. */
export const Source = ({ of: row }) => html`<div>${row.source_detail ?? row.source}</div>
  <div class=${classes(row.stale ? 'warn-text' : 'quiet')}>${row.stale && 'stale: '}read ${day(row.checked_at)}, ${
    row.age_days === 0 ? 'today' : `${count(row.age_days)} days ago`
  }</div>`;

const STATES = {
  live: ['good-text', 'live'],
  retired: ['bad-text', 'retired'],
  unverified: ['warn-text', 'unverified'],
  unknown: ['warn-text', 'not known to be offered'],
};

/** Whether a provider serves an offer today: its date is the day on which service ended, or will end. */
export const isServed = ({ status, status_date: end }) =>
  status !== 'retired' && !(end && end < new Date().toISOString().slice(0, 10));

/** The same in words. */
export function Status({ of: offer }) {
  const { status, status_date: end } = offer;
  const [kind, text] = STATES[isServed(offer) ? status : 'retired'] ?? ['', status];
  return html`<span class=${classes('keep', kind)}>${text}${end && ` ${isServed(offer) ? 'until ' : ''}${end}`}</span>`;
}

/** The name by which an offer is priced. An own service's models are named after it. */
export const priceName = ({ provider, service, provider_model: upstream }) =>
  service === undefined || service === provider ? upstream : `${service}/${upstream}`;

/** A row of the price list as it was put. What was accepted once is not judged again. */
function entryOf(row) {
  const amounts = Object.keys(AMOUNTS[row.billing] ?? {}).flatMap((name) =>
    row[name] === undefined ? [] : [[name, row[name]]],
  );
  return {
    ...Object.fromEntries(amounts),
    ...(row.valid_from ? { valid_from: row.valid_from } : {}),
    ...(row.valid_to ? { valid_to: row.valid_to } : {}),
    ...(row.source_detail ? { source: row.source_detail } : {}),
    force: true,
  };
}

/**
 * `prices` of PUT /v1/prices, which replaces all that were put: those that are there, with one offer's price set or
 * taken away.
 *
 * @param rows of GET /v1/prices
 * @param entry what the offer costs; absent to take its price away
 */
export function documentOf(rows, provider, name, entry) {
  const prices = {};
  const put = (to, offer, value) => {
    prices[to] = { ...prices[to], [offer]: value };
  };
  for (const row of rows) {
    if (row.layer !== 'admin' || (row.provider === provider && row.provider_model === name)) continue;
    put(row.provider, row.provider_model, entryOf(row));
  }
  if (entry) put(provider, name, entry);
  return prices;
}
