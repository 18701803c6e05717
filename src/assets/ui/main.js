/** The page: header, navigation, and the panel that its address names. */
import { ApiError, api, ErrorText, SIGNED_OUT } from './lib/api.js';
import { classes, html, render, useCallback, useEffect, useErrorBoundary, useRef, useState } from './lib/html.js';
import { RangePicker } from './lib/range.js';
import { Link, useQuery } from './lib/url.js';
import { PANELS } from './panels/index.js';
import { SignIn } from './sign-in.js';

const THEMES = [
  ['', 'System'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

function ThemeSwitch() {
  const [theme, set] = useState(document.documentElement.dataset.theme ?? '');
  const choose = (event) => {
    const chosen = event.target.value;
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    try {
      localStorage.setItem('chasqui-theme', chosen);
    } catch {
      // Storage is switched off: the choice holds until the page is left.
    }
    set(chosen);
  };
  return html`<label>Theme <select value=${theme} onChange=${choose}>
    ${THEMES.map(([value, label]) => html`<option value=${value} selected=${value === theme}>${label}</option>`)}
  </select></label>`;
}

function Account({ session, onOut }) {
  if (!session?.signed_in) return null;
  if (session.access === 'open') return html`<span class="chip">Sandbox</span>`;
  const out = async () => {
    await api('/session', { method: 'DELETE' }).catch(() => undefined);
    onOut();
  };
  return html`<span class="who">${session.admin ? 'Admin' : session.key}</span>
    <button type="button" onClick=${out}>Sign out</button>`;
}

/** A panel's module, loaded when it is first shown. */
function usePanel({ name, load }) {
  const [state, set] = useState({});
  useEffect(() => {
    let left = false;
    load().then(
      (module) => left || set({ name, component: module.default }),
      () => left || set({ name, error: new ApiError('This panel could not be loaded. Reload the page.') }),
    );
    return () => {
      left = true;
    };
  }, [name, load]);
  return state.name === name ? state : {};
}

function Panel({ panel, session }) {
  const { component: Shown, error } = usePanel(panel);
  const [broken, mend] = useErrorBoundary();
  if (broken) {
    const said = new ApiError(`This panel failed: ${broken.message}`);
    return html`<${ErrorText} error=${said} retry=${mend} />`;
  }
  if (error) return html`<${ErrorText} error=${error} />`;
  if (!Shown) return html`<p class="quiet">Loading …</p>`;
  return html`${panel.range && html`<${RangePicker} />`}<${Shown} session=${session} />`;
}

function Main({ session, setSession, error, retry, panel }) {
  const heading = useRef();
  const before = useRef(panel.name);
  useEffect(() => {
    document.title = `${panel.title} · Chasqui`;
    // Whoever went on by keyboard or hears the page is taken to what has changed.
    if (before.current !== panel.name) heading.current?.focus();
    before.current = panel.name;
  }, [panel]);
  const inside = error
    ? html`<${ErrorText} error=${error} retry=${retry} />`
    : session === undefined
      ? html`<p class="quiet">Loading …</p>`
      : session.access === 'unconfigured'
        ? html`<p>This deployment is not configured: set CHASQUI_ADMIN_KEY and the credentials of at least one provider.</p>`
        : session.signed_in
          ? html`<${Panel} key=${panel.name} panel=${panel} session=${session} />`
          : html`<${SignIn} onDone=${setSession} />`;
  const title = session && !session.signed_in && session.access === 'key' ? 'Sign in' : panel.title;
  return html`<main id="main"><h1 tabindex="-1" ref=${heading}>${title}</h1>${inside}</main>`;
}

function Page() {
  const { panel: named } = useQuery();
  const [session, setSession] = useState();
  const [error, setError] = useState();
  const ask = useCallback(() => {
    setError(undefined);
    api('/session').then(setSession, setError);
  }, []);
  useEffect(() => {
    ask();
    addEventListener(SIGNED_OUT, ask);
    return () => removeEventListener(SIGNED_OUT, ask);
  }, [ask]);
  const panels = PANELS.filter(({ admin }) => !admin || session?.admin);
  const panel = panels.find(({ name }) => name === named) ?? panels[0];
  return html`<a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <strong class="brand">Chasqui</strong>
      <nav aria-label="Panels">
        <ul>${panels.map(
          ({ name, title }) => html`<li key=${name}>
            <${Link} to=${{ panel: name }} class=${classes(name === panel.name && 'on')} aria-current=${name === panel.name ? 'page' : undefined}>${title}<//>
          </li>`,
        )}</ul>
      </nav>
      <div class="tools"><a href="/docs">API</a> <${ThemeSwitch} /><${Account} session=${session} onOut=${ask} /></div>
    </header>
    <${Main} session=${session} setSession=${setSession} error=${error} retry=${ask} panel=${panel} />`;
}

const root = document.getElementById('page');
// What stands there until now.
root.replaceChildren();
render(html`<${Page} />`, root);
