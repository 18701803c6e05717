/**
 * The one time range of all panels, in UTC. In the address it is `last=24h` (h or d), or `from` and `to` as days, both
 * included.
 *
 * @example
 * const range = useRange();
 * useApi(`/v1/usage?group_by=provider&${range.query}`); // from=2026-11-21T00:00:00Z&to=…
 */
import { classes, html, useMemo } from './html.js';
import { Link, setQuery, useQuery } from './url.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const USUAL = '7d';
export const PRESETS = [
  ['24h', '24 hours'],
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['90d', '90 days'],
];
const DATE = /^\d{4}-\d\d-\d\d$/;

const ceil = (ms, unit) => Math.ceil(ms / unit) * unit;
const iso = (ms) => new Date(ms).toISOString().replace('.000', '');
const isDay = (text) => DATE.test(text ?? '') && !Number.isNaN(Date.parse(text));

/** Reads a range. Its ends are whole hours; whole days unless `last` is in hours. */
export function rangeOf({ last, from, to }, now = Date.now()) {
  if (isDay(from) && isDay(to) && from <= to) return spanOf(Date.parse(from), Date.parse(to) + DAY, undefined);
  const [, number, unit] = /^([1-9]\d{0,3})([hd])$/.exec(last ?? '') ?? /^(\d)(d)$/.exec(USUAL);
  const size = unit === 'h' ? HOUR : DAY;
  const end = ceil(now, size);
  return spanOf(end - Number(number) * size, end, `${number}${unit}`);
}

function spanOf(fromMs, toMs, last) {
  const from = iso(fromMs);
  const to = iso(toMs);
  return {
    /** Milliseconds since the epoch; `toMs` is just after the end. */
    fromMs,
    toMs,
    from,
    to,
    last,
    /** Days, both included, for reports by the day. */
    fromDay: from.slice(0, 10),
    toDay: iso(toMs - 1).slice(0, 10),
    query: `from=${from}&to=${to}`,
  };
}

export function useRange() {
  const { last, from, to } = useQuery();
  // By the hour, so that what is shown does not change while one looks.
  const hour = Math.floor(Date.now() / HOUR);
  return useMemo(() => rangeOf({ last, from, to }), [last, from, to, hour]);
}

/** The choice of the range, above every panel that reads it. */
export function RangePicker() {
  const range = useRange();
  const set = (name) => (event) => {
    const chosen = { from: range.fromDay, to: range.toDay, [name]: event.target.value };
    if (isDay(chosen.from) && isDay(chosen.to) && chosen.from <= chosen.to) setQuery({ ...chosen, last: '' });
  };
  return html`<div class="range" role="group" aria-label="Time range, UTC">
    ${PRESETS.map(
      ([
        last,
        label,
      ]) => html`<${Link} to=${{ last, from: '', to: '' }} class=${classes('chip', range.last === last && 'on')}
        aria-current=${range.last === last ? 'true' : undefined}>${label}<//>`,
    )}
    <label>from <input type="date" value=${range.fromDay} onChange=${set('from')} /></label>
    <label>to <input type="date" value=${range.toDay} onChange=${set('to')} /></label>
    <span class="quiet">UTC</span>
  </div>`;
}
