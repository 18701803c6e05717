/** JSON Schemas as people read them: fields with their types and meanings. What is inside opens on demand. */
import { html, useState } from '../lib/html.js';

const NAME = /^#\/components\/[a-z]+\/(.+)$/i;

/** What a reference is to, in the description of the API. */
export function resolved(schema, api) {
  if (!schema?.$ref) return schema;
  const found = schema.$ref
    .slice(2)
    .split('/')
    .reduce((at, name) => at?.[name], api);
  return resolved(found, api);
}

export const nameOf = (schema) => NAME.exec(schema?.$ref ?? '')?.[1];

const TYPES = { integer: 'whole number', array: 'list', boolean: 'true or false' };
const typeName = (type) => TYPES[type] ?? type;

const isNull = (schema) => schema.type === 'null';
export const optionsOf = (schema) => schema.anyOf ?? schema.oneOf ?? [];
/** Rules between fields have no types of their own. */
const alternativesOf = (schema) =>
  optionsOf(schema).filter((one) => !isNull(one) && Object.keys(one).join() !== 'required');

function limitsOf({ minimum, maximum, minLength, maxLength, minItems, maxItems }) {
  const range = (least, most, unit) => {
    if (least === undefined && most === undefined) return [];
    if (least === undefined) return [`at most ${most}${unit}`];
    return [most === undefined ? `at least ${least}${unit}` : `${least} to ${most}${unit}`];
  };
  return [
    ...range(minimum, maximum, ''),
    ...range(minLength, maxLength, ' characters'),
    ...range(minItems, maxItems, ' of them'),
  ];
}

/** A type in a few words: `"chat" or "raw"`, `list of text`, `whole number or null, 1 to 128`. */
export function typeText(schema, api) {
  if (schema === undefined || Object.keys(schema).length === 0) return 'anything';
  const known = resolved(schema, api);
  if (known.const !== undefined) return JSON.stringify(known.const);
  if (known.enum) return known.enum.map((value) => JSON.stringify(value)).join(' or ');
  const name = nameOf(schema);
  const options = alternativesOf(known);
  if (options.length > 0) {
    const texts = [...new Set(options.map((one) => typeText(one, api)))];
    const shown = texts.length > 4 ? `one of ${options.length} forms` : texts.join(' or ');
    return optionsOf(known).some(isNull) ? `${shown} or null` : shown;
  }
  const types = [known.type ?? 'anything'].flat().map(typeName);
  const [first] = types;
  const inner = first === 'list' && known.items ? `list of ${typeText(known.items, api)}` : (name ?? first);
  const all = [inner, ...types.slice(1)].join(' or ');
  const limits = limitsOf(known);
  return limits.length > 0 ? `${all}, ${limits.join(', ')}` : all;
}

/** A text in which code stands in backquotes. */
export const Prose = ({ text }) =>
  text.split(/`([^`]+)`/).map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part));

/** Opens on demand, and only then has a content: schemas refer to others without end. */
export function Fold({ label, children, open = false }) {
  const [opened, set] = useState(open);
  return html`<details open=${opened} onToggle=${(event) => set(event.currentTarget.open)}>
    <summary>${label}</summary>${opened && html`<${children} />`}
  </details>`;
}

/** By what people tell the forms of a value apart. */
function formName(schema, api) {
  const { properties = {} } = resolved(schema, api);
  const mark = ['type', 'role', 'object'].find((field) => properties[field]?.const !== undefined);
  return mark ? `${mark}: ${JSON.stringify(properties[mark].const)}` : (nameOf(schema) ?? typeText(schema, api));
}

/** What there is to see inside a type: undefined for plain values. */
function insideOf(schema, api) {
  const known = resolved(schema, api);
  if (!known) return undefined;
  if (known.properties) return () => html`<${Fields} schema=${known} api=${api} />`;
  if (known.items) return insideOf(known.items, api);
  if (known.additionalProperties && typeof known.additionalProperties === 'object') {
    return insideOf(known.additionalProperties, api);
  }
  const forms = alternativesOf(known).filter((one) => insideOf(one, api));
  if (forms.length === 0) return undefined;
  if (forms.length === 1) return insideOf(forms[0], api);
  return () =>
    html`<ul class="fields">${forms.map((one) => {
      const label = formName(one, api);
      return html`<li key=${label}><${Fold} label=${label}>${insideOf(one, api)}<//></li>`;
    })}</ul>`;
}

function Fields({ schema, api }) {
  const required = new Set(schema.required ?? []);
  return html`<ul class="fields">${Object.entries(schema.properties).map(([name, field]) => {
    const known = resolved(field, api);
    const about = field.description ?? known?.description;
    const inside = insideOf(field, api);
    return html`<li key=${name}>
      <code>${name}</code> <span class="quiet">${typeText(field, api)}${required.has(name) && ', required'}</span>
      ${about && html`<p><${Prose} text=${about} /></p>`}
      ${inside && html`<${Fold} label=${`Inside ${name}`}>${inside}<//>`}
    </li>`;
  })}</ul>`;
}

/** A schema with all that is in it. */
export function Schema({ schema, api }) {
  const known = resolved(schema, api);
  const Inside = insideOf(schema, api);
  return html`${known.description && html`<p><${Prose} text=${known.description} /></p>`}
    ${Inside ? html`<${Inside} />` : html`<p>${typeText(schema, api)}</p>`}`;
}
