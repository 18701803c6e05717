/** Try: a prompt, its tokens, every offer's cost as one types, and the answer with its receipt. */
import { isOver, send } from '../lib/answer.js';
import { ErrorText, useApi, usePost, useSettled } from '../lib/api.js';
import { linkOf, requestOf, useCall } from '../lib/call.js';
import { Code } from '../lib/copy.js';
import { html, useCallback, useEffect, useMemo, useRef, useState } from '../lib/html.js';
import { snippets } from '../lib/snippets.js';
import { Link } from '../lib/url.js';
import { Composer } from '../try/composer.js';
import { FirstProvider } from '../try/first-provider.js';
import { AnswerText, Receipt, stateText } from '../try/receipt.js';
import { Sheet } from '../try/sheet.js';
import { Tokens } from '../try/tokens.js';

const DEBUG = { 'x-chasqui-debug': '1' };
const LANGUAGES = { curl: 'curl', python: 'Python', javascript: 'JavaScript' };

function CopyAs({ request, open }) {
  const [language, choose] = useState('curl');
  const { path, body } = request;
  const text = useMemo(() => snippets({ origin: location.origin, path, body, open }), [path, body, open]);
  return html`<section><h2>Copy as code</h2>
    <div class="row" role="group" aria-label="Language">
      ${Object.entries(LANGUAGES).map(([name, label]) => html`<button key=${name} type="button" class="small" aria-pressed=${name === language ? 'true' : 'false'} onClick=${() => choose(name)}>${label}</button>`)}
    </div>
    <${Code} label=${`${LANGUAGES[language]} code`} text=${text[language]} />
  </section>`;
}

function Send({ request, answer, setAnswer }) {
  const stop = useRef();
  useEffect(() => () => stop.current?.(), []);
  const running = answer !== undefined && !isOver(answer);
  const start = () => {
    stop.current = send(request, setAnswer);
  };
  return html`<div class="row">
    <button type="submit" class="main" disabled=${running} onClick=${start}>Send</button>
    <button type="button" disabled=${!running} onClick=${() => stop.current?.()}>Stop</button>
    <span role="status">${answer && stateText(answer)}</span>
  </div>`;
}

export default function Try({ session }) {
  const [call, change] = useCall();
  const link = useMemo(() => linkOf(call), [call]);
  const [answer, setAnswer] = useState();
  const { data: listed, error: unlisted } = useApi('/v1/models?available=1');
  const models = listed?.data.map(({ id }) => id);
  const request = useMemo(() => requestOf(call), [call]);
  const settled = useSettled(request);
  const asked = models?.length === 0 ? undefined : settled.body;
  const counted = usePost('/v1/count_tokens', asked, DEBUG);
  const sheet = usePost('/v1/offers', asked);
  const pin = useCallback((model) => change({ model }), [change]);
  if (models?.length === 0)
    return html`<p>No provider has credentials yet, so no model can be asked.</p><${FirstProvider} admin=${session.admin} />`;
  const error = counted.error ?? sheet.error;
  const open = session.access === 'open';
  // One element holds all: parts that draw themselves again would else lose their places among the others.
  return html`<div>${open && html`<details class="teach"><summary>This is a sandbox: nothing costs anything. Connect a provider</summary><${FirstProvider} admin=${session.admin} /></details>`}
    <div class="halves">
      <section aria-label="Prompt">
        <${Composer} call=${call} change=${change} models=${models ?? []} error=${error ?? unlisted} />
        <${Send} request=${request} answer=${answer} setAnswer=${setAnswer} />
        ${link.long && html`<p class="quiet">This prompt is too long for a link: the address of this page does not hold it.</p>`}
        <p><${Link} to=${{ ...link, panel: 'race' }}>Race this prompt at several offers<//></p>
      </section>
      <section aria-label="Tokens" aria-busy=${counted.loading || settled !== request ? 'true' : 'false'}>
        <h2>Tokens</h2>
        <${ErrorText} error=${error} />
        ${!counted.error && html`<${Tokens} counted=${counted.data?.data?.[0] ?? counted.data} />`}
      </section>
    </div>
    ${
      answer &&
      html`<section><h2>Answer</h2>
      <div class="halves">
        <${AnswerText} answer=${answer} />
        <section aria-label="Receipt"><${Receipt} answer=${answer} /></section>
      </div></section>`
    }
    <h2>Offers</h2>
    ${!sheet.error && html`<${Sheet} offers=${sheet.data?.data} pin=${pin} />`}
    <${CopyAs} request=${request} open=${open} />
  </div>`;
}
