/** The reference of the API: the description at /openapi.json, for people. `?op=` names the operation that is shown. */
import { ErrorText, useApi } from '../lib/api.js';
import { classes, html, render, useEffect, useMemo, useRef } from '../lib/html.js';
import { Link, setQuery, useQuery } from '../lib/url.js';
import { Operation } from './operation.js';
import { Prose } from './schema.js';

const operationsOf = (api) =>
  Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );

/** Whether an operation has all the words that somebody looks for. */
const matches = ({ method, path, operation }, words) => {
  const text = `${method} ${path} ${operation.operationId} ${operation.summary} ${operation.description}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

const Routes = ({ groups, shown }) =>
  groups.map(
    ({ name, operations }) => html`<h2 key=${name}>${name}</h2>
      <ul>${operations.map(({ operation, method, path }) => {
        const on = operation.operationId === shown?.operation.operationId;
        return html`<li key=${operation.operationId}>
          <${Link} to=${{ op: operation.operationId }} class=${classes(on && 'on')} aria-current=${on ? 'page' : undefined} title=${`${method} ${path}`}>${operation.summary}<//>
        </li>`;
      })}</ul>`,
  );

function Reference({ api }) {
  const { op, q = '' } = useQuery();
  const heading = useRef();
  const before = useRef(op);
  const all = useMemo(() => operationsOf(api), [api]);
  const shown = all.find(({ operation }) => operation.operationId === op);
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = api.tags
    .map(({ name, description }) => ({
      name,
      description,
      operations: all.filter((one) => one.operation.tags.includes(name) && matches(one, words)),
    }))
    .filter(({ operations }) => operations.length > 0);
  useEffect(() => {
    document.title = `${shown?.operation.summary ?? 'API'} · Chasqui`;
    if (before.current !== op) heading.current?.focus();
    before.current = op;
  }, [op, shown]);
  return html`<div class="docs">
    <nav class="routes" aria-label="Routes">
      <label>Search <input type="search" value=${q} onInput=${(event) => setQuery({ q: event.target.value }, { replace: true })} /></label>
      <${Routes} groups=${groups} shown=${shown} />
      ${groups.length === 0 && html`<p role="status">Nothing has these words.</p>`}
    </nav>
    <main id="main">
      <h1 tabindex="-1" ref=${heading}>${shown?.operation.summary ?? api.info.title}</h1>
      ${
        shown
          ? html`<${Operation} key=${op} asked=${shown} api=${api} />`
          : html`${api.info.description.split('\n\n').map((text) => html`<p key=${text}><${Prose} text=${text} /></p>`)}
            <p>A key goes into <code>Authorization: Bearer …</code> or <code>x-api-key</code>. The same for programs: <a href="/openapi.json">/openapi.json</a>.</p>
            <dl>${api.tags.map(({ name, description }) => html`<dt key=${name}>${name}</dt><dd>${description}</dd>`)}</dl>`
      }
    </main>
  </div>`;
}

function Page() {
  const { data, error, reload } = useApi('/openapi.json');
  const inside = error
    ? html`<main id="main"><${ErrorText} error=${error} retry=${reload} /></main>`
    : data
      ? html`<${Reference} api=${data} />`
      : html`<main id="main"><p class="quiet">Loading …</p></main>`;
  return html`<a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <strong class="brand">Chasqui</strong>
      <nav aria-label="Pages"><ul>
        <li><a href="/">The page</a></li>
        <li><a href="/docs" class="on" aria-current=${location.search === '' ? 'page' : undefined}>API</a></li>
      </ul></nav>
    </header>
    ${inside}`;
}

const root = document.getElementById('page');
// What stands there until now.
root.replaceChildren();
render(html`<${Page} />`, root);
