/** Who may use this deployment, for how much money: keys and their account's budget. For admins. */
import { api, ErrorText, useApi } from '../lib/api.js';
import { Confirm } from '../lib/confirm.js';
import { CopyButton } from '../lib/copy.js';
import { Form } from '../lib/form.js';
import { classes, html, useEffect, useRef, useState } from '../lib/html.js';
import { Table } from '../lib/table.js';
import { count, moment } from '../lib/text.js';
import { Link, setQuery, useQuery } from '../lib/url.js';
import { allowTexts, Budget, LIMITS, limitTexts } from './key-budget.js';
import { BudgetFields, bodyOf, KeyForm, textsOf } from './key-form.js';

const PAGE = 50;

/** In the address `key=` opens a key, and this makes one. No key has this id. */
const NEW = 'new';

/** A heading that takes the focus when its section opens, so that nobody has to look for what has changed. */
function Section({ title, children }) {
  const heading = useRef();
  useEffect(() => heading.current.focus(), []);
  return html`<section class="card"><h2 tabindex="-1" ref=${heading}>${title}</h2>${children}</section>`;
}

/** The text of a new key. It is in the memory of this component and nowhere else, and goes when that goes. */
const Secret = ({ made, onDone }) => html`<${Section} title="Your new key">
  <p>This is the key <strong><bdi>${made.name}</bdi></strong>. Copy it now: it is shown this once, and the gateway keeps only a hash of it.</p>
  <p><code class="secret">${made.key}</code></p>
  <div class="row"><${CopyButton} text=${made.key} label="Copy the key" />
    <button type="button" onClick=${onDone}>I have it, hide it</button></div>
<//>`;

function AccountBudget({ account }) {
  const path = `/v1/accounts/${encodeURIComponent(account)}`;
  const { data, error: failed, reload } = useApi(path);
  const [texts, setTexts] = useState();
  const [error, setError] = useState();
  if (!data)
    return failed ? html`<${ErrorText} error=${failed} retry=${reload} />` : html`<p class="quiet">Loading …</p>`;
  const before = { ...textsOf(), ...textsOf({ budget: data.budget }) };
  const save = async () => {
    try {
      const { budget } = bodyOf({ ...before, ...texts }, before);
      if (budget !== undefined) await api(path, { method: 'PATCH', body: { budget } });
      setTexts(undefined);
      setError(undefined);
      reload();
    } catch (thrown) {
      setError(thrown);
    }
  };
  const set = (name) => (text) => setTexts((now) => ({ ...now, [name]: text }));
  return html`<section class="card" aria-label="Account">
    <h2>Account <bdi>${account}</bdi></h2>
    <${Budget} of=${data} />
    ${
      texts
        ? html`<${Form} onSubmit=${save} error=${error} fields=${['budget.limit', 'budget.period']}>
            <${BudgetFields} texts=${texts} set=${set} error=${error} hint="For all keys of the account together. Empty: no budget." />
            <div class="row"><button type="submit">Save the budget</button>
              <button type="button" onClick=${() => setTexts(undefined)}>Cancel</button></div>
          <//>`
        : html`<p><button type="button" class="small" onClick=${() => setTexts(before)}>${data.budget ? 'Change the budget' : 'Set a budget'}</button></p>`
    }
  </section>`;
}

const Remaining = ({ limits }) =>
  limits.length > 0 &&
  html`<p>Left now: ${limits.map(({ name, remaining, limit }) => `${count(remaining)} of ${count(limit)} ${LIMITS[name] ?? name}`).join(', ')}.</p>`;

function Known({ id, account, onChanged, onClose }) {
  const path = `/v1/keys/${encodeURIComponent(id)}?account=${encodeURIComponent(account)}`;
  const { data: key, error, reload } = useApi(path);
  if (error) return html`<${ErrorText} error=${error} retry=${reload} />`;
  if (!key || key.id !== id) return html`<p class="quiet">Loading …</p>`;
  const save = async (body) => {
    if (Object.keys(body).length > 0) await api(path, { method: 'PATCH', body });
    onChanged(html`The key <bdi>${key.name}</bdi> was changed.`);
  };
  return html`<${Section} title=${html`Key <bdi>${key.name}</bdi>`}>
    <p><code>${key.id}</code>, made ${moment(key.created_at)}, ${count(key.running)} calls under way.
      <${Link} to=${{ panel: 'live', key: key.id }}>Its calls<//>, <${Link} to=${{ panel: 'spend', key: key.id, by: 'model' }}>its spending<//></p>
    <${Budget} of=${key} />
    <${Remaining} limits=${key.rate_limits} />
    ${
      key.revoked_at
        ? html`<p class="bad-text">Revoked ${moment(key.revoked_at)}. It cannot be brought back.</p>
            <button type="button" onClick=${onClose}>Close</button>`
        : html`<${KeyForm} known=${key} onSave=${save} onCancel=${onClose} />`
    }
  <//>`;
}

const isOver = (time) => time !== null && Date.parse(time) <= Date.now();

function State({ of: key }) {
  if (key.revoked_at) return html`<span class="bad-text">revoked ${moment(key.revoked_at)}</span>`;
  if (isOver(key.expires_at)) return html`<span class="bad-text">expired ${moment(key.expires_at)}</span>`;
  return html`<span class="good-text">valid</span>${key.expires_at && ` until ${moment(key.expires_at)}`}`;
}

const stacked = (texts, none) =>
  texts.length === 0
    ? html`<span class="quiet">${none}</span>`
    : texts.map((text) => html`<div key=${text} class="words">${text}</div>`);

function Keys({ keys, onRevoke }) {
  return html`<${Table} caption="Keys, the newest first" rows=${keys} rowKey=${({ id }) => id}
    empty="No key yet. Make one for each caller, and see what each of them spends."
    columns=${[
      {
        label: 'Name',
        cell: (key) =>
          html`<${Link} to=${{ key: key.id }}><bdi>${key.name}</bdi><//><div class="quiet">${key.id}</div>`,
        sort: ({ name }) => name.toLowerCase(),
      },
      { label: 'Money', cell: (key) => html`<${Budget} of=${key} calls=${{ panel: 'live', key: key.id }} />` },
      { label: 'Limits', cell: (key) => stacked(limitTexts(key.limits), 'none') },
      { label: 'May use', cell: (key) => stacked(allowTexts(key.allow), 'everything') },
      {
        label: 'When money runs low',
        cell: ({ at_limit: does }) => (does === 'cheaper' ? 'cheaper offers' : 'shorter answers'),
      },
      { label: 'State', cell: (key) => html`<${State} of=${key} />` },
      {
        label: 'Revoke',
        cell: (key) =>
          !key.revoked_at &&
          html`<button type="button" class="small" aria-label=${`Revoke ${key.name}`} onClick=${() => onRevoke(key)}>Revoke</button>`,
      },
    ]} />`;
}

function AccountPicker({ account }) {
  const [text, setText] = useState(account);
  const go = () => setQuery({ account: text.trim() === 'main' ? '' : text.trim(), after: '', key: '' });
  return html`<${Form} class="row" onSubmit=${go}>
    <label>Account <input name="account" autocomplete="off" value=${text} onInput=${(event) => setText(event.target.value)} /></label>
    <button type="submit" class="small">Show</button>
  <//>`;
}

export default function KeysPanel() {
  const { account = 'main', revoked, after, key: opened } = useQuery();
  const [made, setMade] = useState();
  const [asked, ask] = useState();
  const [said, say] = useState('');
  const query = new URLSearchParams({ account, limit: PAGE, ...(revoked && { revoked: 1 }), ...(after && { after }) });
  const { data, error, reload } = useApi(`/v1/keys?${query}`);
  const close = () => setQuery({ key: '' });
  const make = async (body) => {
    const key = await api('/v1/keys', { body });
    setMade(key);
    setQuery({ key: '', account: key.account === 'main' ? '' : key.account, after: '' }, { replace: true });
    reload();
  };
  const changed = (text) => {
    say(text);
    close();
    reload();
  };
  const revoke = () => api(`/v1/keys/${asked.id}?account=${encodeURIComponent(account)}`, { method: 'DELETE' });
  const revoking = (done) => {
    if (done) {
      say(html`The key <bdi>${asked.name}</bdi> was revoked. Calls with it are refused from now on.`);
      reload();
    }
    ask(undefined);
  };
  return html`<div class="row">
      <${AccountPicker} key=${account} account=${account} />
      <${Link} to=${{ revoked: revoked ? '' : 1, after: '' }} class=${classes('chip', revoked && 'on')} aria-current=${revoked ? 'true' : undefined}>Revoked ones, too<//>
      ${opened !== NEW && html`<button type="button" class="main" onClick=${() => setQuery({ key: NEW })}>Make a key</button>`}
    </div>
    <p role="status">${said}</p>
    ${made && html`<${Secret} made=${made} onDone=${() => setMade(undefined)} />`}
    ${opened === NEW && html`<${Section} title="Make a key"><${KeyForm} account=${account} onSave=${make} onCancel=${close} /><//>`}
    ${opened && opened !== NEW && html`<${Known} key=${opened} id=${opened} account=${account} onChanged=${changed} onClose=${close} />`}
    <${AccountBudget} key=${account} account=${account} />
    <${ErrorText} error=${error} retry=${reload} />
    ${data && html`<${Keys} keys=${data.data} onRevoke=${ask} />`}
    ${
      data &&
      (after || data.has_more) &&
      html`<p class="row">
      ${after && html`<${Link} to=${{ after: '' }}>The newest keys<//>`}
      ${data.has_more && html`<${Link} to=${{ after: data.last_id }}>Older keys<//>`}</p>`
    }
    ${
      asked &&
      html`<${Confirm} title="Revoke this key?" action="Revoke it" onDo=${revoke} onClose=${revoking}>
        <p>Calls with the key <strong><bdi>${asked.name}</bdi></strong> are refused at once, in every region. It cannot be brought back.</p>
      <//>`
    }`;
}
