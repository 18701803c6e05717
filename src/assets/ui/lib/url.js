/**
 * The page's state: the query of its address. A link shows the same thing, and back and forward work.
 *
 * @example
 * const { model = 'gpt-oss-120b' } = useQuery();
 * setQuery({ model: 'llama-3-8b-instruct' });            // a new entry of the history
 * setQuery({ q: 'text while typing' }, { replace: true }); // the same entry
 * html`<${Link} to=${{ panel: 'live', model }}>its calls<//>`
 */
import { html, useEffect, useState } from './html.js';

/** What stays when another panel is shown. */
const SHARED = ['last', 'from', 'to'];

export const readQuery = () => Object.fromEntries(new URLSearchParams(location.search));

/**
 * The address with some parameters changed. Empty and undefined ones are taken away. With `panel` it begins anew: of
 * the others only the time range stays.
 */
export function href(changes) {
  const now = readQuery();
  const base =
    'panel' in changes ? Object.fromEntries(SHARED.filter((key) => key in now).map((key) => [key, now[key]])) : now;
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...base, ...changes })) {
    if (value !== undefined && value !== null && value !== '') query.set(key, String(value));
  }
  const text = query.toString();
  return text === '' ? location.pathname : `?${text}`;
}

const CHANGED = 'chasqui:query';

export function setQuery(changes, { replace = false } = {}) {
  const to = href(changes);
  if (to === location.search || (to === location.pathname && location.search === '')) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  dispatchEvent(new Event(CHANGED));
}

/** The parameters, as an object of texts. Renders again when they change. */
export function useQuery() {
  const [query, set] = useState(readQuery);
  useEffect(() => {
    const read = () => set(readQuery());
    // What changed between the first rendering and now.
    read();
    addEventListener('popstate', read);
    addEventListener(CHANGED, read);
    return () => {
      removeEventListener('popstate', read);
      removeEventListener(CHANGED, read);
    };
  }, []);
  return query;
}

const isPlainClick = (event) =>
  event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

/** A link within the page. */
export function Link({ to, children, ...others }) {
  const go = (event) => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    setQuery(to);
  };
  return html`<a ...${others} href=${href(to)} onClick=${go}>${children}</a>`;
}
