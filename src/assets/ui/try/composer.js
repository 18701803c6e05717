/** The fields of a call: its model, its prompt, its settings. */
import { SETTINGS } from '../lib/call.js';
import { Field } from '../lib/form.js';
import { html, useState } from '../lib/html.js';

/** By what offers are ranked. */
const SORTS = { '': 'price and health', price: 'price', latency: 'time to first token', throughput: 'speed' };

const MODES = [
  [false, 'Chat'],
  [true, 'Raw prompt'],
];

const ModelField = ({ call, change, models, error }) => html`<${Field} name="model" label="Model" list="models"
    hint="Any name: provider/model pins a provider, :floor takes the cheapest, :nitro the fastest."
    autocomplete="off" spellcheck="false" error=${error} value=${call.model} onInput=${(model) => change({ model })} />
  <datalist id="models">${models.map((id) => html`<option key=${id} value=${id}></option>`)}</datalist>`;

const ModeField = ({ call, change }) => html`<fieldset class="row plain">
  <legend>Prompt</legend>
  ${MODES.map(
    ([raw, label]) => html`<label key=${label}>
      <input type="radio" name="mode" checked=${call.raw === raw} onChange=${() => change({ raw })} /> ${label}
    </label>`,
  )}
</fieldset>`;

const lines = (text) => Math.min(12, Math.max(2, text.split('\n').length, Math.ceil(text.length / 60)));

function Turns({ call: { turns, system }, change, error }) {
  const put = (at, content) => change({ turns: turns.map((turn, n) => (n === at ? { ...turn, content } : turn)) });
  const add = () => change({ turns: [...turns, { role: 'assistant', content: '' }, { role: 'user', content: '' }] });
  return html`<${Field} as="textarea" name="system" label="System" rows=${lines(system)} value=${system}
      onInput=${(text) => change({ system: text })} />
    ${turns.map(
      ({ role, content }, at) => html`<${Field} key=${at} as="textarea" name=${`messages[${at}]`} error=${error}
        label=${`${role === 'user' ? 'User' : 'Assistant'}, message ${at + 1}`} rows=${lines(content)} value=${content}
        onInput=${(text) => put(at, text)} />`,
    )}
    <div class="row">
      <button type="button" class="small" onClick=${add}>Add a turn</button>
      ${turns.length > 1 && html`<button type="button" class="small" onClick=${() => change({ turns: turns.slice(0, -2) })}>Remove the last turn</button>`}
    </div>`;
}

function Settings({ call: { settings }, change, error }) {
  const set = (name, value) => change({ settings: { ...settings, [name]: value } });
  const used = Object.values(settings).filter(Boolean).length;
  // From then on it is open or closed as the reader likes.
  const [open] = useState(used > 0);
  return html`<details class="settings" open=${open}>
    <summary>Settings${used > 0 && ` (${used})`}</summary>
    <div class="cards">
      ${Object.entries(SETTINGS).map(
        ([name, { label, hint }]) => html`<${Field} key=${name} name=${name} label=${label} hint=${hint} error=${error}
          autocomplete="off" value=${settings[name] ?? ''} onInput=${(text) => set(name, text)} />`,
      )}
      <${Field} as="select" name="provider.sort" label="First by" error=${error} value=${settings.sort ?? ''}
        onInput=${(sort) => set('sort', sort)}>
        ${Object.entries(SORTS).map(([value, label]) => html`<option key=${value} value=${value} selected=${value === (settings.sort ?? '')}>${label}</option>`)}
      <//>
    </div>
  </details>`;
}

export function Composer({ call, change, models, error }) {
  return html`<${ModelField} call=${call} change=${change} models=${models} error=${error} />
    <${ModeField} call=${call} change=${change} />
    ${
      call.raw
        ? html`<${Field} as="textarea" class="code" name="prompt" label="Raw prompt" rows=${lines(call.prompt)} error=${error}
            hint="Sent as it is, without a template." value=${call.prompt} onInput=${(prompt) => change({ prompt })} />`
        : html`<${Turns} call=${call} change=${change} error=${error} />`
    }
    <${Settings} call=${call} change=${change} error=${error} />`;
}
