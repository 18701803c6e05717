/** Race: one prompt at up to four offers at once, side by side, and who won what. */
import { isOver, send, speedOf, toFirst } from '../lib/answer.js';
import { api, ErrorText, useApi, usePost, useSettled } from '../lib/api.js';
import { linkOf, requestOf, useCall } from '../lib/call.js';
import { classes, html, useEffect, useMemo, useRef, useState } from '../lib/html.js';
import { exactMoney } from '../lib/money.js';
import { Table } from '../lib/table.js';
import { count, duration } from '../lib/text.js';
import { Link, setQuery, useQuery } from '../lib/url.js';
import { Composer } from '../try/composer.js';
import { FirstProvider } from '../try/first-provider.js';
import { AnswerText, costOf, Facts, stateText } from '../try/receipt.js';
import { pinOf } from '../try/sheet.js';

const MOST = 4;

/** What is compared, and how it is said. The least wins, so speed counts negative. */
const PRIZES = [
  ['first token', toFirst, duration],
  ['speed', (answer) => speedOf(answer) && -speedOf(answer), (value) => `${count(-value)} tokens a second`],
  ['price', (answer) => costOf(answer).cost ?? undefined, exactMoney],
];

/** Who won what, among the answers that came to their end. Equals share a prize. */
function winners(lanes) {
  const finished = lanes.filter(({ answer }) => answer.state === 'done');
  return PRIZES.flatMap(([prize, of, say]) => {
    const known = finished.flatMap(({ name, answer }) => {
      const value = of(answer);
      return value === undefined ? [] : [{ name, value }];
    });
    if (known.length < 2) return [];
    // biome-ignore lint/complexity/useMathMinMax: amounts are BigInt, which Math.min does not take.
    const best = known.reduce((found, { value }) => (value < found ? value : found), known[0].value);
    return [{ prize, names: known.filter(({ value }) => value === best).map(({ name }) => name), value: say(best) }];
  });
}

const Lane = ({
  lane: { name, answer, offer },
  won,
}) => html`<section class=${classes('card lane', won && 'won')} aria-label=${name}>
  <h2>${name}</h2>
  <p class="quiet">${stateText(answer)}</p>
  ${won && html`<p class="good-text">Won: ${won}</p>`}
  <${Facts} answer=${answer} offer=${offer} />
  <${ErrorText} error=${answer.error} />
  <${AnswerText} answer=${answer} label=${`Answer of ${name}`} />
</section>`;

const RESULT = [
  { label: 'Prize', cell: ({ prize }) => prize },
  { label: 'Winner', cell: ({ names }) => names.join(' and ') },
  { label: 'With', cell: ({ value }) => value },
];

function Lanes({ lanes }) {
  const over = lanes.every(({ answer }) => isOver(answer));
  const won = over ? winners(lanes) : [];
  const wonBy = (name) => won.flatMap(({ names, prize }) => (names.includes(name) ? prize : [])).join(', ');
  return html`<section><p role="status">${over ? 'The race is over.' : 'The race is on …'}</p>
    ${over && html`<${Table} caption="Who won what" rows=${won} columns=${RESULT} empty="Fewer than two answers came to their end, so nobody won." />`}
    <div class="lanes">${lanes.map((lane) => html`<${Lane} key=${lane.name} lane=${lane} won=${wonBy(lane.name)} />`)}</div>
  </section>`;
}

function Starters({ chosen, pins }) {
  const choose = (names) => setQuery({ at: names.join() || 'none' }, { replace: true });
  return html`<fieldset class="plain"><legend>At these offers, at most ${MOST}</legend>
    ${[...new Set([...pins, ...chosen])].map((name) => {
      const on = chosen.includes(name);
      const turn = () => choose(on ? chosen.filter((one) => one !== name) : [...chosen, name]);
      return html`<label key=${name} class="choice"><input type="checkbox" checked=${on} disabled=${!on && chosen.length >= MOST} onChange=${turn} /> ${name}</label>`;
    })}
  </fieldset>`;
}

/** Starts all at once, and has their answers as they come. */
function useRace() {
  const [lanes, set] = useState([]);
  const stops = useRef([]);
  const stop = () => {
    for (const one of stops.current) one();
  };
  useEffect(() => stop, []);
  const put = (name, changes) =>
    set((before) => before.map((lane) => (lane.name === name ? { ...lane, ...changes } : lane)));
  const start = ({ path, body: given }, names) => {
    stop();
    set(names.map((name) => ({ name, answer: { state: 'waiting', text: '', reasoning: '' } })));
    stops.current = names.map((name) => {
      const body = { ...given, model: name };
      // Without its price the cost is known from the bill.
      api('/v1/offers', { body }).then(
        ({ data }) => put(name, { offer: data[0] }),
        () => undefined,
      );
      return send({ path, body }, (answer) => put(name, { answer }));
    });
  };
  return { lanes, start, stop };
}

export default function Race({ session }) {
  const [call, change] = useCall();
  const { at } = useQuery();
  const { data: listed } = useApi('/v1/models?available=1');
  const models = listed?.data.map(({ id }) => id);
  const none = models?.length === 0;
  const request = useMemo(() => requestOf(call), [call]);
  const { data: sheet, error } = usePost('/v1/offers', none ? undefined : useSettled(request).body);
  const pins = useMemo(() => [...new Set((sheet?.data ?? []).filter(({ eligible }) => eligible).map(pinOf))], [sheet]);
  const chosen = at === 'none' ? [] : (at?.split(',') ?? pins).slice(0, MOST);
  const { lanes, start, stop } = useRace();
  if (none) return html`<${FirstProvider} admin=${session.admin} />`;
  const running = lanes.some(({ answer }) => !isOver(answer));
  return html`<div>
    <div class="halves">
      <section aria-label="Prompt"><${Composer} call=${call} change=${change} models=${models ?? []} error=${error} /></section>
      <section aria-label="Race">
        <${Starters} chosen=${chosen} pins=${pins} />
        <${ErrorText} error=${error} />
        <div class="row">
          <button type="button" class="main" disabled=${running || chosen.length === 0} onClick=${() => start(request, chosen)}>Race</button>
          <button type="button" disabled=${!running} onClick=${stop}>Stop all</button>
        </div>
        <p class="quiet">Each is asked alone: nothing falls over to another provider. What is marked ≈ is an estimate until the provider says what it used.</p>
        <p><${Link} to=${{ ...linkOf(call), panel: 'try' }}>Try this prompt at the first offer<//></p>
      </section>
    </div>
    ${lanes.length > 0 && html`<${Lanes} lanes=${lanes} />`}
  </div>`;
}
