/** The form of a key: what the API takes, as texts of fields, and back. */
import { Field, Form } from '../lib/form.js';
import { html, useState } from '../lib/html.js';
import { PERIODS } from './key-budget.js';

/** As the API names them. An error about a field stands at it. */
const FIELDS = [
  'name',
  'account',
  'budget.limit',
  'budget.period',
  'limits.rpm',
  'limits.tpm',
  'limits.concurrency',
  'allow.models',
  'allow.providers',
  'expires_at',
  'at_limit',
  'markers',
  'metadata',
];

const lines = (names) => (names ?? []).join('\n');

/** A key's settings as texts; without a key the texts of an empty form. */
export function textsOf(key) {
  return {
    name: key?.name ?? '',
    account: key?.account ?? '',
    'budget.limit': key?.budget?.limit ?? '',
    'budget.period': key?.budget?.period ?? 'month',
    'limits.rpm': String(key?.limits?.rpm ?? ''),
    'limits.tpm': String(key?.limits?.tpm ?? ''),
    'limits.concurrency': String(key?.limits?.concurrency ?? ''),
    'allow.models': lines(key?.allow?.models),
    'allow.providers': lines(key?.allow?.providers),
    expires_at: key?.expires_at ?? '',
    at_limit: key?.at_limit ?? 'clamp',
    markers: key?.markers ?? '',
    metadata: lines(Object.entries(key?.metadata ?? {}).map(([name, text]) => `${name}=${text}`)),
  };
}

/** Whole numbers as numbers. Anything else goes to the API as it is, which says what is wrong with it. */
const numberOf = (text) => (/^\d{1,15}$/.test(text) ? Number(text) : text);

const listOf = (text) =>
  text
    .split(/[\n,]/)
    .map((name) => name.trim())
    .filter(Boolean);

/** A day is its first moment in UTC. */
const timeOf = (text) => (/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);

/** `name=text` lines. A line without `=` goes to the API as something that is no text, so that it is refused. */
function pairsOf(text) {
  const pairs = text.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    if (line.trim() === '') return [];
    return [at < 0 ? [line.trim(), true] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]];
  });
  return Object.fromEntries(pairs);
}

/** What is no longer among the metadata is null in a change, which removes it. */
const metadataOf = (text, before) => ({
  ...Object.fromEntries(Object.keys(pairsOf(before)).map((name) => [name, null])),
  ...pairsOf(text),
});

/**
 * The body that brings a key from one set of texts to another: only what differs is in it, and null is what was
 * emptied. So a change of one setting leaves alone what somebody else changed in the meantime.
 */
export function bodyOf(texts, before) {
  const body = {};
  const put = (path, value) => {
    const [group, name] = path.split('.');
    if (name === undefined) body[group] = value;
    else body[group] = { ...body[group], [name]: value };
  };
  const read = {
    name: (text) => text,
    account: (text) => text,
    expires_at: timeOf,
    at_limit: (text) => text,
    markers: (text) => text,
    'limits.rpm': numberOf,
    'limits.tpm': numberOf,
    'limits.concurrency': numberOf,
    'allow.models': listOf,
    'allow.providers': listOf,
    metadata: (text) => metadataOf(text, before.metadata),
  };
  for (const [path, reading] of Object.entries(read)) {
    const text = texts[path].trim();
    if (text === before[path].trim()) continue;
    put(path, text === '' && path !== 'metadata' ? null : reading(text));
  }
  const limit = texts['budget.limit'].trim();
  const period = texts['budget.period'];
  if (limit === '' && before['budget.limit'] !== '') body.budget = null;
  if (limit !== '' && (limit !== before['budget.limit'] || period !== before['budget.period'])) {
    body.budget = { limit, period };
  }
  return body;
}

/** A budget's two fields. The account's form has them, too. */
export function BudgetFields({ texts, set, error, hint }) {
  return html`<${Field} name="budget.limit" label="Budget in dollars" inputmode="decimal" autocomplete="off" hint=${hint}
      error=${error} value=${texts['budget.limit']} onInput=${set('budget.limit')} />
    <${Field} name="budget.period" label="Budget for" as="select" error=${error} onInput=${set('budget.period')}>
      ${Object.entries(PERIODS).map(([value, label]) => html`<option key=${value} value=${value} selected=${value === texts['budget.period']}>${label}</option>`)}
    <//>`;
}

/**
 * @param known the key that is changed; absent for a new one
 * @param onSave gets the body for the API; what it throws is shown at the field that it names
 */
export function KeyForm({ known, account, onSave, onCancel }) {
  const [before] = useState(() => textsOf(known ?? { account }));
  const [texts, setTexts] = useState(before);
  const [error, setError] = useState();
  const [busy, setBusy] = useState(false);
  const set = (name) => (text) => setTexts((now) => ({ ...now, [name]: text }));
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await onSave(bodyOf(texts, known ? before : textsOf()));
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  const field = (
    name,
    label,
    hint,
    more = {},
  ) => html`<${Field} name=${name} label=${label} hint=${hint} autocomplete="off"
    error=${error} value=${texts[name]} onInput=${set(name)} ...${more} />`;
  const chosen = (name, label, choices, hint) => html`<${Field} name=${name} label=${label} hint=${hint} as="select"
    error=${error} onInput=${set(name)}>
    ${choices.map(([value, text]) => html`<option key=${value} value=${value} selected=${value === texts[name]}>${text}</option>`)}
  <//>`;
  const number = { inputmode: 'numeric' };
  const list = { as: 'textarea', rows: 3 };
  return html`<${Form} class="wide" onSubmit=${save} error=${error} fields=${FIELDS}>
    <div class="fields">
      ${field('name', 'Name', 'What the key is for.')}
      ${!known && field('account', 'Account', 'Who pays. Keys of one account share its budget.')}
      <${BudgetFields} texts=${texts} set=${set} error=${error} hint="Empty: no budget." />
      ${field('limits.rpm', 'Requests a minute', 'Empty: no limit.', number)}
      ${field('limits.tpm', 'Tokens a minute', 'Empty: no limit.', number)}
      ${field('limits.concurrency', 'Calls at the same time', 'Empty: no limit.', number)}
      ${field('allow.models', 'Models', 'One a line. Empty: all.', list)}
      ${field('allow.providers', 'Providers', 'One a line. Empty: all.', list)}
      ${field('expires_at', 'Expires', 'In UTC, like 2027-01-31 or 2027-01-31T12:00:00Z. Empty: never.')}
      ${chosen(
        'at_limit',
        'When the budget runs low',
        [
          ['clamp', 'shorten answers'],
          ['cheaper', 'prefer cheaper offers'],
        ],
        'If not even one token is paid for, calls are refused.',
      )}
      ${chosen('markers', 'Template markers in texts', [
        ['', 'as the gateway does'],
        ['reject', 'reject'],
        ['neutralise', 'neutralise'],
        ['allow', 'allow'],
      ])}
      ${field('metadata', 'Metadata', 'One name=text a line. Shown with the key and nowhere else.', list)}
    </div>
    <div class="row">
      <button type="submit" disabled=${busy}>${known ? 'Save changes' : 'Make the key'}</button>
      <button type="button" onClick=${onCancel}>Cancel</button>
    </div>
  <//>`;
}
