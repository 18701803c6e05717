/** Calls as they happen, the newest first, held still while somebody reads. Each leads to its whole story. */
import { api, ErrorText, useApi } from '../lib/api.js';
import { html, useEffect, useMemo, useRef, useState } from '../lib/html.js';
import { useRange } from '../lib/range.js';
import { clock, count, duration, moment } from '../lib/text.js';
import { Link, setQuery, useQuery } from '../lib/url.js';
import { Call, Costs, Outcome } from './call.js';

const PAGE = 100;
/** Calls that are shown, and attempts that wait to be. */
const MOST = 500;
/** Pixels: whoever has scrolled further is reading. */
const SCROLLED = 200;
const LOST_MS = 5_000;
const RELEASE_MS = 1_000;

const FILTERS = ['account', 'key', 'model', 'provider', 'dialect', 'outcome'];
const DIALECTS = ['chat', 'completions', 'messages', 'responses', 'embeddings', 'rerank'];
const OUTCOMES = [
  ...['ok', 'canceled', 'timeout', 'stream_interrupted', 'provider_rate_limited', 'provider_overloaded'],
  ...['provider_unavailable', 'provider_error', 'provider_auth', 'content_policy', 'context_length_exceeded'],
  ...['unsupported_parameter', 'invalid_request', 'model_not_found', 'internal'],
];

/** Adds attempts to their calls. A call that changes is a new object, so all other rows stay as they were drawn. */
function added(calls, attempts, most) {
  const next = new Map(calls);
  for (const row of attempts) {
    const known = next.get(row.id)?.attempts ?? [];
    if (known.some(({ attempt }) => attempt === row.attempt)) continue;
    const all = [...known, row].sort((a, b) => a.attempt - b.attempt);
    next.set(row.id, { ...row, at: Date.parse(row.created_at), attempts: all });
  }
  const newest = [...next].sort(([, a], [, b]) => b.at - a.at);
  return new Map(newest.slice(0, most));
}

const NOTHING = { calls: new Map(), waiting: [], most: PAGE, next: null };

/** The calls of a list and of what follows it, and what waits while they are held. */
function useCalls(list, live, isHeld) {
  const [view, set] = useState(NOTHING);
  const [state, setState] = useState({});
  const say = (changes) => setState((before) => ({ ...before, ...changes }));
  const show = (attempts) =>
    set((now) => ({ ...now, waiting: [], calls: added(now.calls, [...attempts, ...now.waiting], now.most) }));
  const page = (after) =>
    api(after ? `${list}&after=${after}` : list).then(
      ({ data, next }) => {
        set((now) => {
          const most = after ? Math.min(MOST, now.most + PAGE) : now.most;
          return { ...now, most, next: after || !now.next ? next : now.next, calls: added(now.calls, data, most) };
        });
        say({ error: undefined, loaded: true });
      },
      (error) => say({ error }),
    );
  useEffect(() => {
    set(NOTHING);
    setState({});
    if (!live) return void page();
    const source = new EventSource(live);
    const came = [];
    let frame;
    let lost;
    let begun = false;
    const begin = () => {
      if (!begun) page();
      begun = true;
    };
    const draw = () => {
      frame = undefined;
      const attempts = came.splice(0);
      set((now) => {
        if (!isHeld()) return { ...now, waiting: [], calls: added(now.calls, [...now.waiting, ...attempts], now.most) };
        const shown = attempts.filter(({ id }) => now.calls.has(id));
        const others = attempts.filter(({ id }) => !now.calls.has(id));
        return { ...now, waiting: [...now.waiting, ...others].slice(-MOST), calls: added(now.calls, shown, now.most) };
      });
    };
    const on = (name, then) => source.addEventListener(name, ({ data }) => then(data && JSON.parse(data)));
    on('attempts', (attempts) => {
      came.push(...attempts);
      came.splice(0, came.length - MOST);
      frame ??= requestAnimationFrame(draw);
    });
    on('running', ({ calls }) => say({ running: calls }));
    on('gap', () => page());
    on('open', () => {
      clearTimeout(lost);
      say({ following: true });
      begin();
    });
    on('error', () => {
      // It comes back by itself, unless it was refused: then the list says why.
      if (source.readyState === EventSource.CLOSED) page();
      else begin();
      clearTimeout(lost);
      lost = setTimeout(() => say({ following: false }), LOST_MS);
    });
    return () => {
      source.close();
      cancelAnimationFrame(frame);
      clearTimeout(lost);
    };
  }, [list, live]);
  return { ...view, ...state, show, older: () => page(view.next), again: () => page() };
}

const Row = ({ call, names }) =>
  useMemo(() => {
    const { attempts } = call;
    const last = attempts.at(-1);
    const missing = last.attempt - attempts.length;
    const known = attempts.filter((row) => row.tokens_from !== null);
    const sum = (name) => known.reduce((all, row) => all + row[name], 0);
    return html`<tr>
      <td style=${{ whiteSpace: 'nowrap' }}><${Link} to=${{ call: call.id, of: call.account }} title=${`${moment(call.at)}, ${call.id}`}>${clock(call.at)}<//></td>
      <td>${names.get(call.key) ?? call.key}</td>
      <td>${last.model}${call.asked !== last.model && html` <span class="quiet">(${call.asked})</span>`}</td>
      <td>${attempts.map(({ provider, outcome }, at) => html`${at > 0 && ' → '}${provider}${outcome !== 'ok' && html` <span class="bad-text">✗</span>`}`)}
        ${missing > 0 && html` <span class="quiet">${attempts.length} of ${last.attempt} attempts</span>`}</td>
      <td>${call.dialect}</td>
      <td><${Outcome} outcome=${last.outcome} /></td>
      <td class="number">${known.length > 0 ? `${count(sum('prompt_tokens'))} + ${count(sum('completion_tokens'))}` : '–'}</td>
      <td class="number">${duration(last.ttft_ms)}</td>
      <td class="number">${duration(Date.parse(last.started_at) + last.latency_ms - call.at)}</td>
      <td class="number"><${Costs} attempts=${attempts} /></td>
    </tr>`;
  }, [call, names]);

function Choice({ name, label, options, names }) {
  const { [name]: value = '' } = useQuery();
  const all = value === '' || options.includes(value) ? options : [...options, value];
  return html`<select style=${{ width: '5.5rem' }} aria-label=${`Only this ${label}`} value=${value} onChange=${({ target }) => setQuery({ [name]: target.value })}>
    <option value="">all</option>
    ${all.map((one) => html`<option value=${one} selected=${one === value}>${names?.get(one) ?? one}</option>`)}
  </select>`;
}

function List({ session, names, keys }) {
  const query = useQuery();
  const range = useRange();
  const { data: health } = useApi('/v1/health');
  const filter = new URLSearchParams(FILTERS.flatMap((name) => (query[name] ? [[name, query[name]]] : []))).toString();
  const list = `/v1/generations?limit=${PAGE}&${range.query}&${filter}`.replace(/&$/, '');
  const held = useRef({});
  const isHeld = () => held.current.hover || held.current.focus || scrollY > SCROLLED;
  const follows = range.toMs > Date.now();
  const { calls, waiting, next, error, loaded, following, running, show, older, again } = useCalls(
    list,
    follows ? `/v1/live?${filter}` : undefined,
    isHeld,
  );
  const hold = (what, now) => () => {
    held.current[what] = now;
    // Not at once: the pointer may be on its way to the button.
    clearTimeout(held.current.timer);
    if (!now) held.current.timer = setTimeout(() => isHeld() || show([]), RELEASE_MS);
  };
  const holds = { onMouseEnter: hold('hover', true), onMouseLeave: hold('hover', false) };
  useEffect(() => {
    const scrolled = () => isHeld() || show([]);
    addEventListener('scroll', scrolled, { passive: true });
    return () => {
      clearTimeout(held.current.timer);
      removeEventListener('scroll', scrolled);
    };
  }, [list]);
  const fresh = new Set(waiting.map(({ id }) => id)).size;
  const providers = health?.providers.map(({ id }) => id) ?? [];
  const heads = ['Time', 'Key', 'Model', 'Provider', 'Dialect', 'Outcome', 'Tokens', 'First token', 'Duration', 'Cost'];
  const model = ({ target }) => setQuery({ model: target.value.trim() });
  return html`<p class="quiet">No text of a prompt or an answer is kept, so none is shown. Calls that were refused before any provider was asked are not here.</p>
    <div class="row" ...${holds}>
      <span role="status">${!follows ? 'The time range is over: nothing is followed.' : following ? 'Following.' : following === false ? 'The connection is lost. Trying again …' : 'Connecting …'}</span>
      ${running > 0 && html`<span class="chip">${running} running</span>`}
      ${fresh > 0 && html`<button type="button" class="main" onClick=${() => show([])}>${fresh} new</button>`}
    </div>
    <${ErrorText} error=${error} retry=${again} />
    <div class="scroll" tabindex="0" role="region" aria-label="Calls">
      <table>
        <caption>Calls, the newest first, UTC</caption>
        <thead>
          <tr>${heads.map((head, at) => html`<th scope="col" class=${at > 5 && 'number'}>${head}</th>`)}</tr>
          <tr>
            <td></td>
            <td>${session.admin && html`<${Choice} name="key" label="key" options=${keys} names=${names} />`}</td>
            <td><input aria-label="Only this model" placeholder="all" size="9" value=${query.model ?? ''} onChange=${model} /></td>
            <td><${Choice} name="provider" label="provider" options=${providers} /></td>
            <td><${Choice} name="dialect" label="dialect" options=${DIALECTS} /></td>
            <td><${Choice} name="outcome" label="outcome" options=${OUTCOMES} /></td>
            <td colspan="4"></td>
          </tr>
        </thead>
        <tbody ...${holds} onfocusin=${hold('focus', true)} onfocusout=${hold('focus', false)}>
          ${[...calls.values()].map((call) => html`<${Row} key=${call.id} call=${call} names=${names} />`)}
          ${loaded && calls.size === 0 && html`<tr><td colspan="10">No calls here yet. <${Link} to=${{ panel: 'try' }}>Send one<//>, or choose other filters or another time range.</td></tr>`}
        </tbody>
      </table>
    </div>
    ${next && calls.size < MOST && html`<button type="button" onClick=${older}>Older calls</button>`}`;
}

const BUILT_IN = ['admin', 'local'];

export default function Live({ session }) {
  const { call, account, of } = useQuery();
  const { data: own } = useApi(session.admin ? undefined : '/v1/key');
  const { data: all } = useApi(session.admin ? `/v1/keys?limit=100${account ? `&account=${account}` : ''}` : undefined);
  const names = useMemo(() => new Map((all?.data ?? (own ? [own] : [])).map(({ id, name }) => [id, name])), [all, own]);
  const keys = useMemo(() => [...names.keys(), ...BUILT_IN], [names]);
  return call
    ? html`<${Call} id=${call} account=${of} names=${names} />`
    : html`<${List} session=${session} names=${names} keys=${keys} />`;
}
