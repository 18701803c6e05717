/**
 * A chart over time. Lines or stacked columns are SVG, so they follow the theme; below them stands the same as a table.
 *
 * @example
 * html`<${Chart} label="Cost by hour" times=${[1764288000, …]} stacked format=${(dollars) => …}
 *   series=${[{ label: 'bedrock', values: [0.1, null, …], texts: ['$0.1', '', …] }]} />`
 */
import { classes, html, useMemo, useState } from './html.js';
import { Table } from './table.js';
import { moment, UNKNOWN } from './text.js';

/** Units of the drawing, which is stretched to the room that it has. */
const WIDE = 1000;
const HIGH = 100;

/** The next number of 1, 2 or 5 with zeros, for the top of the scale. */
function roundUp(most) {
  if (!(most > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return unit * ([1, 2, 5].find((step) => step * unit >= most) ?? 10);
}

/** The paths of all series, by the column that each time has. */
function draw(times, series, stacked) {
  const sums = times.map((_, at) => series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0));
  const most = stacked
    ? Math.max(0, ...sums)
    : Math.max(0, ...series.flatMap(({ values }) => values.filter((value) => value != null)));
  const top = roundUp(most);
  const wide = WIDE / Math.max(1, times.length);
  const y = (value) => (HIGH - (value / top) * HIGH).toFixed(2);
  const below = times.map(() => 0);
  const paths = series.map(({ values }) => {
    let pen = 'M';
    return times
      .map((_, at) => {
        const value = values[at];
        if (value == null) {
          // A gap, not a zero.
          pen = 'M';
          return '';
        }
        if (stacked) {
          const base = below[at];
          below[at] += value;
          const [left, right] = [at * wide + wide * 0.08, (at + 1) * wide - wide * 0.08].map((x) => x.toFixed(2));
          return `M${left} ${y(base)}V${y(below[at])}H${right}V${y(base)}z`;
        }
        const part = `${pen}${((at + 0.5) * wide).toFixed(2)} ${y(value)}`;
        // A single point is a line of no length, which round caps show as a dot.
        const dot = pen === 'M' ? 'h0' : '';
        pen = 'L';
        return part + dot;
      })
      .join('');
  });
  return { paths, top };
}

/**
 * @param times seconds since the epoch, ascending
 * @param series one value, or null for unknown, for each time; `texts` are the exact values for the table
 * @param stacked columns upon one another instead of lines
 * @param onPick gets the place in `times` of a column that was clicked; give a way by keyboard, too
 */
export function Chart({ label, times, series, stacked = false, format = String, onPick }) {
  const { paths, top } = useMemo(() => draw(times, series, stacked), [times, series, stacked]);
  const [at, point] = useState();
  const place = (event) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(times.length - 1, Math.floor(((event.clientX - left) / width) * times.length)));
  };
  const timeAt = (index) => (times[index] === undefined ? '' : moment(times[index] * 1000));
  const valueAt = ({ values, texts }, index) =>
    values[index] == null ? UNKNOWN : (texts?.[index] ?? format(values[index]));
  const columns = [
    { label: 'Time', cell: (index) => timeAt(index) },
    ...series.map((one) => ({ label: one.label, numeric: true, cell: (index) => valueAt(one, index) })),
  ];
  return html`<figure class="chart">
    <div class="plot">
      <div class="scale"><span>${format(top)}</span><span>${format(top / 2)}</span><span>${format(0)}</span></div>
      <svg viewBox=${`0 0 ${WIDE} ${HIGH}`} preserveAspectRatio="none" role="img" aria-label=${label}
        onPointerMove=${(event) => point(place(event))} onPointerLeave=${() => point(undefined)} onClick=${onPick && ((event) => onPick(place(event)))}>
        <path class="grid" d=${`M0 0H${WIDE}M0 ${HIGH / 2}H${WIDE}M0 ${HIGH}H${WIDE}`} />
        ${at !== undefined && html`<path class="grid" d=${`M${((at + 0.5) * WIDE) / times.length} 0V${HIGH}`} />`}
        ${paths.map((d, index) => html`<path key=${index} class=${classes(stacked ? 'column' : 'line', `s${(index % 6) + 1}`)} d=${d} />`)}
      </svg>
      <div class="times"><span>${timeAt(0)}</span><span>${timeAt(times.length - 1)}</span></div>
    </div>
    <ul class="legend">
      ${series.map((one, index) => html`<li key=${one.label}><span class=${`swatch c${(index % 6) + 1}`}></span>${one.label}${at !== undefined && html` <b>${valueAt(one, at)}</b>`}</li>`)}
      ${at !== undefined && html`<li class="quiet">${timeAt(at)}</li>`}
    </ul>
    <details>
      <summary>${label}, as a table</summary>
      <${Table} caption=${label} columns=${columns} rows=${[...times.keys()]} />
    </details>
  </figure>`;
}
