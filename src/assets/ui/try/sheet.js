/** The offer sheet: what each offer would do with the call and charge for it, and why the first is first. */
import { RangeBar } from '../lib/bars.js';
import { html, useMemo } from '../lib/html.js';
import { exactMoney, Money, parseMoney, shortMoney } from '../lib/money.js';
import { Table } from '../lib/table.js';
import { ago, brief, count, duration, UNKNOWN } from '../lib/text.js';

/** An offer's name: what pins it. */
export const pinOf = ({ provider, model }) => `${provider}/${model}`;

const costText = ({ min, expected, max }) =>
  `Expected ${exactMoney(expected)}, at least ${exactMoney(min)}, at most ${exactMoney(max)}`;

function Cost({ cost, unpriced, place }) {
  if (!cost)
    return html`<span class="unknown">unknown</span>${unpriced && html`<br /><span class="quiet">${unpriced}</span>`}`;
  const { min, expected, max } = cost;
  return html`<${Money} value=${expected} />
    <${RangeBar} min=${place(min)} expected=${place(expected)} max=${max === null ? 1 : place(max)} label=${costText(cost)} />
    <span class="quiet">${shortMoney(min)} to ${max === null ? 'unknown' : shortMoney(max)}</span>`;
}

const age = ({ checked_at: at, stale }) =>
  html`<br /><span class=${stale ? 'warn-text' : 'quiet'}>price of ${ago(at)}${stale && ', may be old'}</span>`;

function speed({ latency }) {
  if (!latency) return html`<span class="quiet">not seen yet</span>`;
  return html`${duration(latency.ttft_ms)}<br />${latency.tokens_per_second === null ? UNKNOWN : `${count(latency.tokens_per_second)}/s`}`;
}

const prompt = ({ prompt_tokens: tokens, exactness }) => `${exactness === 'exact' ? '' : '≈ '}${count(tokens)}`;

const list = (texts) => html`<ul class="tight">${texts.map((text) => html`<li key=${text}>${text}</li>`)}</ul>`;

function why({ eligible, reason, why: reasons, drops, breaker }) {
  if (!eligible) return html`<span class="bad-text">Left out</span>: ${reason.message}`;
  const broken = breaker !== 'closed' && breaker !== null ? [`Its breaker is ${breaker}.`] : [];
  return list([...reasons, ...broken, ...drops.map((name) => `Would drop ${name}.`)]);
}

const columns = (place, pin) => [
  { label: 'Rank', numeric: true, cell: ({ rank }) => rank ?? UNKNOWN },
  {
    label: 'Offer',
    cell: (
      offer,
    ) => html`<strong>${offer.provider}</strong>${offer.service && offer.service !== offer.provider && ` (${offer.service})`}<br />
      <span class="quiet">${offer.provider_model}</span>
      ${pin && offer.eligible && html`<br /><button type="button" class="link" onClick=${() => pin(pinOf(offer))}>Pin<span class="hidden"> ${offer.provider}</span></button>`}`,
  },
  {
    label: 'Cost',
    cell: (offer) =>
      html`<${Cost} cost=${offer.cost} unpriced=${offer.unpriced} place=${place} />${offer.price && age(offer.price)}`,
  },
  { label: 'Prompt', numeric: true, cell: prompt },
  {
    label: 'Context',
    numeric: true,
    cell: ({ context_length: length }) => (length === null ? UNKNOWN : brief(length)),
  },
  { label: 'First token, speed', numeric: true, cell: speed },
  { label: 'Why', cell: why },
];

/** Where amounts lie between nothing and the dearest one. Where that is many times the least, by their logarithms. */
function scaleOf(offers) {
  const amounts = offers.flatMap(({ cost }) => (cost ? [cost.min, cost.expected, cost.max] : []));
  const known = amounts.flatMap((amount) => Number(parseMoney(amount) ?? 0n) || []);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  if (!(high > low * 30)) return { place: (amount) => Number(parseMoney(amount) ?? 0n) / high, logarithmic: false };
  const length = Math.log(high / low);
  const place = (amount) => 0.05 + (0.95 * Math.log(Math.max(1, Number(parseMoney(amount) ?? 0n) / low))) / length;
  return { place, logarithmic: true };
}

const first = ({ provider, why: reasons }) =>
  html`<p><strong>${provider}</strong> would be asked first. ${reasons[0] ?? 'It is the only one.'}</p>`;

/**
 * @param offers `data` of `/v1/offers`
 * @param pin is told of the name of an offer that somebody wants alone
 */
export function Sheet({ offers, pin }) {
  return useMemo(() => {
    if (!offers) return html`<p class="quiet">The offers stand here as soon as there is a prompt.</p>`;
    const { place, logarithmic } = scaleOf(offers);
    return html`<div class="sheet">${offers[0]?.eligible ? first(offers[0]) : html`<p class="bad-text">No offer can serve this call.</p>`}
      <${Table} caption="Offers, in the order in which they would be asked" rows=${offers} columns=${columns(place, pin)}
        rowKey=${(offer) => `${offer.provider} ${offer.service} ${offer.provider_model}`} rowClass=${({ rank }) => rank === 1 && 'first'} />
      ${logarithmic && html`<p class="quiet">The most is far from what is expected, so the bars are logarithmic. Set “Most tokens” to bound it.</p>`}</div>`;
  }, [offers, pin]);
}
