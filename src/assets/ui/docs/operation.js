/** One operation: what it is for, what it takes and answers, and examples as code. */
import { Code } from '../lib/copy.js';
import { html, useMemo, useState } from '../lib/html.js';
import { nameOf, optionsOf, Prose, resolved, Schema, typeText } from './schema.js';
import { snippets } from './snippets.js';
import { tryLink } from './try-link.js';

const LANGUAGES = { curl: 'curl', python: 'Python', javascript: 'JavaScript' };
const TRIED = ['createChatCompletion', 'createCompletion'];

/** The address of an operation, with the examples of its parameters. */
function urlOf({ path, operation }) {
  const parameters = operation.parameters ?? [];
  const at = path.replace(/\{(\w+)\}/g, (_, name) => parameters.find((one) => one.name === name)?.example ?? name);
  const shown = parameters.filter((one) => one.in === 'query' && one.example !== undefined);
  const query = new URLSearchParams(shown.map(({ name, example }) => [name, example]));
  return `${location.origin}${at}${shown.length > 0 ? `?${query}` : ''}`;
}

function Examples({ asked }) {
  const { operation, method } = asked;
  const examples = Object.entries(operation.requestBody?.content['application/json'].examples ?? {});
  const [language, speak] = useState('curl');
  const [name, choose] = useState(examples[0]?.[0]);
  const body = operation.requestBody?.content['application/json'].examples?.[name]?.value;
  const keyed = operation.security?.length !== 0;
  const code = useMemo(() => snippets({ method, url: urlOf(asked), body }, keyed), [asked, method, body, keyed]);
  const link = body && TRIED.includes(operation.operationId) ? tryLink(body) : undefined;
  return html`<h2>Example</h2>
    <div class="row">
      ${
        examples.length > 1 &&
        html`<label>Of <select value=${name} onChange=${(event) => choose(event.target.value)}>
          ${examples.map(([key, { summary }]) => html`<option value=${key}>${summary}</option>`)}
        </select></label>`
      }
      <span class="row" role="group" aria-label="Language">${Object.entries(LANGUAGES).map(
        ([key, label]) =>
          html`<button key=${key} type="button" class="small" aria-pressed=${key === language ? 'true' : 'false'} onClick=${() => speak(key)}>${label}</button>`,
      )}</span>
      ${link && html`<a href=${link}>Try it</a>`}
    </div>
    <${Code} label=${`${LANGUAGES[language]} code`} text=${code[language]} />`;
}

const PLACES = { query: 'in the query', header: 'a header', path: 'in the path' };

const Parameters = ({ parameters, api }) => html`<h3>Parameters</h3>
  <ul class="fields">${parameters.map(
    ({ name, in: place, description, schema, required }) => html`<li key=${`${place} ${name}`}>
      <code>${name}</code> <span class="quiet">${PLACES[place]}, ${typeText(schema, api)}${required && ', required'}</span>
      <p><${Prose} text=${description} /></p>
    </li>`,
  )}</ul>`;

/** One schema, or several among which people choose. */
function Choice({ schema, api, label }) {
  const options = schema.$ref ? [schema] : optionsOf(schema);
  const names = options.map(nameOf);
  const [chosen, choose] = useState(names[0]);
  if (options.length === 0) return html`<${Schema} schema=${schema} api=${api} />`;
  return html`${
    options.length > 1 &&
    html`<label>${label} <select value=${chosen} onChange=${(event) => choose(event.target.value)}>
      ${names.map((name) => html`<option value=${name}>${name}</option>`)}
    </select></label>`
  }<${Schema} key=${chosen} schema=${options[names.indexOf(chosen)] ?? options[0]} api=${api} />`;
}

function Answer({ status, response, api }) {
  const { description, content = {}, headers = {} } = resolved(response, api);
  const json = content['application/json'];
  const named = Object.entries(headers).filter(([name]) => name !== 'x-request-id');
  return html`<h3>${status}</h3>
    <p><${Prose} text=${description} /></p>
    ${Object.entries(content).map(
      ([type, { schema }]) =>
        type !== 'application/json' &&
        html`<p key=${type}><code>${type}</code>${schema.description && html` <${Prose} text=${schema.description} />`}</p>`,
    )}
    ${json && html`<${Choice} schema=${json.schema} api=${api} label="Form" />`}
    ${
      named.length > 0 &&
      html`<details><summary>Headers</summary><ul class="fields">${named.map(
        ([name, header]) => html`<li key=${name}><code>${name}</code>
          <p><${Prose} text=${resolved(header, api).description} /></p></li>`,
      )}</ul></details>`
    }`;
}

function Errors({ responses, api }) {
  const [[, first] = []] = responses;
  const json = first && resolved(first, api).content['application/json'];
  return html`<h2>Errors</h2>
    <ul class="fields">${responses.map(
      ([status, response]) =>
        html`<li key=${status}><code>${status}</code> <${Prose} text=${resolved(response, api).description} /></li>`,
    )}</ul>
    ${json && html`<${Choice} schema=${json.schema} api=${api} label="Envelope" />`}`;
}

export function Operation({ asked, api }) {
  const { method, path, operation } = asked;
  const body = operation.requestBody?.content['application/json'].schema;
  const responses = Object.entries(operation.responses);
  const good = responses.filter(([status]) => status < '300');
  const bad = responses.filter(([status]) => status >= '300');
  return html`<p class="route"><strong>${method}</strong> ${path}</p>
    ${operation.description.split('\n\n').map((text) => html`<p key=${text}><${Prose} text=${text} /></p>`)}
    <${Examples} asked=${asked} />
    <h2>Request</h2>
    ${operation.parameters && html`<${Parameters} parameters=${operation.parameters} api=${api} />`}
    ${body && html`<h3>Body</h3><${Choice} schema=${body} api=${api} label="Form" />`}
    ${!body && !operation.parameters && html`<p>It takes nothing.</p>`}
    <h2>Answer</h2>
    ${good.map(([status, response]) => html`<${Answer} key=${status} status=${status} response=${response} api=${api} />`)}
    ${bad.length > 0 && html`<${Errors} responses=${bad} api=${api} />`}`;
}
