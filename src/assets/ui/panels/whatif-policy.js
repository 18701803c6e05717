/** The policy of the What if panel: which providers, up to which price, what first, and a service of one's own. */
import { Field } from '../lib/form.js';
import { classes, html, useMemo, useState } from '../lib/html.js';
import { parseMoney } from '../lib/money.js';
import { Link, setQuery } from '../lib/url.js';

const AMOUNT = /^\d{1,6}(?:\.\d{1,9})?$/;
const SPEED = /^\d{1,7}(?:\.\d{1,3})?$/;

const listed = (text) => (text ? text.split(',').filter(Boolean) : []);

/** What the address says; `mistakes` has a text for each field that cannot be read, which then does not count. */
export function usePolicy({ out, first, cap, prefer, hour, tps, prices }) {
  return useMemo(() => {
    const mistakes = {};
    const read = (name, text, form, example) => {
      if (!text) return undefined;
      if (form.test(text) && Number(text) > 0) return text;
      mistakes[name] = `Write a number above 0, for example ${example}.`;
      return undefined;
    };
    const most = read('cap', cap, AMOUNT, '0.60');
    const perHour = read('hour', hour, AMOUNT, '0.95');
    const perSecond = read('tps', tps, SPEED, '400');
    if (perHour && !tps) mistakes.tps = 'Say how many tokens a second it writes.';
    if (perSecond && !hour) mistakes.hour = 'Say what an hour costs.';
    return {
      policy: {
        out: listed(out),
        order: listed(first),
        fast: prefer === 'speed',
        ...(most ? { cap: parseMoney(most) } : {}),
      },
      hardware: perHour && perSecond ? { perHour: parseMoney(perHour), perSecond: Number(perSecond) } : undefined,
      prices: prices === 'today' ? 'today' : 'then',
      texts: { cap, hour, tps, first, prefer },
      mistakes,
    };
  }, [out, first, cap, prefer, hour, tps, prices]);
}

const DRAGGED = 'text/x-chasqui-provider';

function Zone({ label, hint, names, used, move }) {
  const [over, setOver] = useState(false);
  const enter = (event) => {
    if (!event.dataTransfer.types.includes(DRAGGED)) return;
    event.preventDefault();
    setOver(true);
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    move(event.dataTransfer.getData(DRAGGED), used);
  };
  return html`<div class=${classes('zone', over && 'over')} role="group" aria-label=${label}
    onDragOver=${enter} onDragEnter=${enter} onDragLeave=${() => setOver(false)} onDrop=${drop}>
    <h2>${label}</h2>
    ${names.map(
      (name) => html`<label key=${name} class="chip" draggable="true"
        onDragStart=${(event) => event.dataTransfer.setData(DRAGGED, name)}>
        <input type="checkbox" checked=${used} onChange=${() => move(name, !used)} /> ${name}</label>`,
    )}
    ${names.length === 0 && html`<p class="quiet">${hint}</p>`}
  </div>`;
}

function Providers({ providers, out }) {
  const move = (name, use) => {
    if (!providers.includes(name)) return;
    const left = providers.filter((one) => (one === name ? !use : out.includes(one)));
    setQuery({ out: left.join(',') });
  };
  const used = providers.filter((name) => !out.includes(name));
  const left = providers.filter((name) => out.includes(name));
  return html`<div class="cards">
    <${Zone} label="In use" hint="No provider is in use." names=${used} used move=${move} />
    <${Zone} label="Left out" hint="Drag a provider here, or clear its box." names=${left} used=${false} move=${move} />
  </div>`;
}

const Choice = ({ label, name, now, options }) => html`<div class="row" role="group" aria-label=${label}>
  <span>${label}</span>
  ${options.map(
    ([
      value,
      text,
    ]) => html`<${Link} key=${value} to=${{ [name]: value }} class=${classes('chip', now === value && 'on')}
      aria-current=${now === value ? 'true' : undefined}>${text}<//>`,
  )}
</div>`;

export function Policy({ set, providers }) {
  const { texts, mistakes, policy, prices } = set;
  const field = (
    name,
    label,
    hint,
  ) => html`<${Field} name=${name} label=${label} hint=${hint} inputmode="decimal" autocomplete="off"
    value=${texts[name] ?? ''} onInput=${(text) => setQuery({ [name]: text.trim() }, { replace: true })}
    error=${mistakes[name] && { param: name, message: mistakes[name] }} />`;
  return html`<section aria-label="Policy">
    <${Providers} providers=${providers} out=${policy.out} />
    <${Choice} label="Take" name="prefer" now=${policy.fast ? 'speed' : ''} options=${[
      ['', 'the cheapest offer'],
      ['speed', 'the fastest offer'],
    ]} />
    <${Choice} label="First" name="first" now=${texts.first ?? ''} options=${[
      ['', 'any provider'],
      ...providers.map((name) => [name, name]),
    ]} />
    <${Choice} label="Prices" name="prices" now=${prices === 'today' ? 'today' : ''} options=${[
      ['', 'of each day'],
      ['today', 'of today'],
    ]} />
    <div class="cards">
      ${field('cap', 'Price cap', 'Dollars for a million completion tokens, at most')}
      ${field('hour', 'Service of your own: dollars an hour', 'Hardware or an endpoint that is paid by the hour')}
      ${field('tps', 'Its tokens a second', 'All answers together, at the usual load')}
    </div>
    ${
      policy.fast &&
      html`<p class="quiet">Fastest: completion tokens a second over whole requests, waiting included, as measured
      in this time. An offer that was not used in it has no speed and comes last.</p>`
    }
  </section>`;
}
