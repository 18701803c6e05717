/** Sets the price of one offer, or takes back the one that was set. For admins. */
import { ApiError, api } from '../lib/api.js';
import { Confirm } from '../lib/confirm.js';
import { Field, Form } from '../lib/form.js';
import { html, useEffect, useRef, useState } from '../lib/html.js';
import { AMOUNTS, billingOf, documentOf } from './price-parts.js';

const KINDS = { token: 'the token', second: 'the second of hardware', hour: 'the hour' };
const FIELDS = [...new Set(Object.values(AMOUNTS).flatMap(Object.keys)), 'valid_from', 'valid_to', 'source', 'force'];
/** How the API says that a price is taken if one insists. */
const FORCIBLE = '"force": true';

/** The same error, about the first field that its words name: the API's own `param` is the whole document. */
function placed(error) {
  if (error?.param !== 'prices') return error;
  const [field] = FIELDS.map((name) => [name, error.message.search(new RegExp(`\\b${name}\\b`))])
    .filter(([, at]) => at >= 0)
    .sort(([, a], [, b]) => a - b)
    .map(([name]) => name);
  return field === undefined ? error : new ApiError(error.message, { ...error, param: field });
}

/**
 * @param offer `{provider, name}`
 * @param book GET /v1/prices
 * @param today the row that holds today, if any
 * @param onDone gets what was done, in words
 * @param onStale the prices were changed by somebody else: they are to be read again
 */
export function PriceForm({ offer, book, today, onDone, onStale, onCancel }) {
  const { provider, name } = offer;
  const [texts, setTexts] = useState(() => ({ billing: billingOf(today), source: '', valid_from: '', valid_to: '' }));
  const [force, setForce] = useState(false);
  const [error, setError] = useState();
  const [busy, setBusy] = useState(false);
  const [removing, setRemoving] = useState(false);
  const heading = useRef();
  useEffect(() => heading.current.focus(), []);
  const set = (field) => (text) => setTexts((now) => ({ ...now, [field]: text }));
  const own = book.data.find(
    (row) => row.layer === 'admin' && row.provider === provider && row.provider_model === name,
  );
  const put = (entry) => {
    const prices = documentOf(book.data, provider, name, entry);
    return Object.keys(prices).length === 0
      ? api(`/v1/prices?version=${book.version}`, { method: 'DELETE' })
      : api('/v1/prices', {
          method: 'PUT',
          body: { source: entry ? texts.source : 'set before', prices, version: book.version },
        });
  };
  const failed = (thrown) => {
    if (thrown.param === 'version') onStale();
    setError(placed(thrown));
    setBusy(false);
  };
  const save = async () => {
    setBusy(true);
    setError(undefined);
    const entry = force ? { force } : {};
    for (const field of [...Object.keys(AMOUNTS[texts.billing]), 'valid_from', 'valid_to']) {
      const text = (texts[field] ?? '').trim();
      if (text !== '') entry[field] = field === 'tokens_per_second' && Number(text) > 0 ? Number(text) : text;
    }
    try {
      await put(entry);
      onDone(`The price of ${name} at ${provider} was set.`);
    } catch (thrown) {
      failed(thrown);
    }
  };
  const field = (id, label, more = {}) => html`<${Field} key=${id} name=${id} label=${label} autocomplete="off"
    error=${error} value=${texts[id] ?? ''} onInput=${set(id)} ...${more} />`;
  return html`<section class="card">
    <h2 tabindex="-1" ref=${heading}>Price of <code>${name}</code> at ${provider}</h2>
    ${today?.layer === 'configuration' && html`<p class="warn-text">The configuration sets this price, and wins: one that is set here has no effect until it is taken out there.</p>`}
    <${Form} onSubmit=${save} error=${error} fields=${FIELDS}>
      <div class="fields">
        <${Field} name="billing" label="Billed by" as="select" onInput=${set('billing')}>
          ${Object.entries(KINDS).map(([value, label]) => html`<option key=${value} value=${value} selected=${value === texts.billing}>${label}</option>`)}
        <//>
        ${Object.entries(AMOUNTS[texts.billing]).map(([id, label]) => {
          if (id !== 'hardware')
            return field(id, label, { inputmode: 'decimal', hint: today?.[id] && `Today: ${today[id]}` });
          const known = Object.entries(book.replicate_hardware.usd_per_second);
          return html`<${Field} key=${id} name=${id} label=${label} as="select" error=${error} onInput=${set(id)}
            hint="With hardware, a second has the price of the list.">
            <option value="" selected=${!texts[id]}>none</option>
            ${known.map(([value, price]) => html`<option key=${value} value=${value} selected=${value === texts[id]}>${value}: $${price}</option>`)}
          <//>`;
        })}
        ${field('source', 'Reason', { hint: 'Who says so: a contract, a price list, a date.' })}
        ${field('valid_from', 'From', { hint: 'The first day, like 2026-12-01. Empty: today.' })}
        ${field('valid_to', 'To', { hint: 'The last day. Empty: until it is changed.' })}
      </div>
      ${
        (force || error?.message.includes(FORCIBLE)) &&
        html`<p><label><input type="checkbox" name="force" checked=${force} onChange=${(event) => setForce(event.target.checked)} />
          The price is right as it is. Set it all the same.</label></p>`
      }
      <div class="row">
        <button type="submit" disabled=${busy}>Set the price</button>
        ${own && html`<button type="button" onClick=${() => setRemoving(true)}>Take back the price that was set</button>`}
        <button type="button" onClick=${onCancel}>Cancel</button>
      </div>
      <p class="quiet">Calls are priced by it at once; other isolates follow within 30 seconds.</p>
    <//>
    ${
      removing &&
      html`<${Confirm} title="Take back this price?" action="Take it back" onDo=${() => put(undefined)}
        onClose=${(done) => (done ? onDone(`The price of ${name} at ${provider} was taken back.`) : setRemoving(false))}>
        <p>From then on <code>${name}</code> costs what the list says, if it is on one.</p>
      <//>`
    }
  </section>`;
}
