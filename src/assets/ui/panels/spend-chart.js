/** Figures of the Spend panel over time, a line for each of the largest groups. */
import { ErrorText, request } from '../lib/api.js';
import { Chart } from '../lib/chart.js';
import { classes, html, useEffect, useMemo, useState } from '../lib/html.js';
import { parseMoney, shortMoney } from '../lib/money.js';
import { brief } from '../lib/text.js';
import { Link, useQuery } from '../lib/url.js';

const HOUR = 3_600_000;
/** Up to this the chart is by the hour. */
const MOST_HOURS = 72;
const MOST_LINES = 5;
const MOST_PAGES = 10;

/** What a chart can show. Amounts are drawn as floats of dollars; below $9 million these are exact to the nano-dollar. */
const MEASURES = {
  cost: { label: 'Exact cost', money: true },
  cost_upper_bound: { label: 'Upper bounds', money: true },
  requests: { label: 'Requests' },
  errors: { label: 'Failed' },
  prompt_tokens: { label: 'Prompt tokens' },
  completion_tokens: { label: 'Completion tokens' },
};
const dollars = (value) => shortMoney(BigInt(Math.round(value * 1e9)));

/** All pages of a report, or as many as a chart takes. */
function usePages(path) {
  const [state, set] = useState({});
  useEffect(() => {
    const left = new AbortController();
    const read = async () => {
      const rows = [];
      let next = null;
      for (let page = 0; page === 0 || (next && page < MOST_PAGES); page++) {
        const after = next ? `&after=${encodeURIComponent(next)}` : '';
        const answer = await request(path + after, { signal: left.signal });
        const read = await answer.json();
        rows.push(...read.data);
        next = read.next;
      }
      return { rows, more: next !== null };
    };
    read().then(
      (found) => set({ ...found, path }),
      (error) => left.signal.aborted || set({ error, path }),
    );
    return () => left.abort();
  }, [path]);
  return state.path === path ? state : {};
}

/** Every hour or day of the range: where nothing was called the figure is zero, and known. */
function timesOf({ fromMs, toMs }, size) {
  const first = Math.floor(fromMs / size) * size;
  return Array.from({ length: Math.ceil((toMs - first) / size) }, (_, at) => (first + at * size) / 1000);
}

/** What a row adds to a line. An hour in which no cost is known has none. */
function figureOf(row, measure) {
  if (!MEASURES[measure].money) return row[measure];
  const amount = parseMoney(row[measure]);
  return measure === 'cost' && amount === 0n && row.unknown_cost > 0 ? null : Number(amount) / 1e9;
}

function seriesOf(rows, { by, unit, times, groups, names, measure }) {
  const at = new Map(times.map((seconds, index) => [seconds, index]));
  const largest = [...groups]
    .sort((a, b) => (figureOf(b, measure) ?? 0) - (figureOf(a, measure) ?? 0))
    .slice(0, MOST_LINES)
    .map((group) => group[by]);
  const others = groups.length > MOST_LINES ? ['others'] : [];
  const lines = [...largest.map((name) => names[name] ?? name), ...others].map((label) => ({
    label,
    values: times.map(() => 0),
  }));
  for (const row of rows) {
    const line = lines[largest.includes(row[by]) ? largest.indexOf(row[by]) : MOST_LINES];
    const index = at.get(Date.parse(row[unit]) / 1000);
    if (!line || index === undefined) continue;
    const value = figureOf(row, measure);
    const before = line.values[index];
    line.values[index] = value === null || before === null ? null : before + value;
  }
  return lines;
}

export function OverTime({ by, range, filtered, groups, names }) {
  const { show } = useQuery();
  const measure = show in MEASURES ? show : 'cost';
  const unit = (range.toMs - range.fromMs) / HOUR <= MOST_HOURS ? 'hour' : 'day';
  const { rows, more, error } = usePages(`/v1/usage?group_by=${unit},${by}&${range.query}${filtered}&limit=1000`);
  const times = useMemo(() => timesOf(range, unit === 'hour' ? HOUR : 24 * HOUR), [range, unit]);
  const series = useMemo(
    () => rows && seriesOf(rows, { by, unit, times, groups, names, measure }),
    [rows, by, unit, times, groups, names, measure],
  );
  const { label, money } = MEASURES[measure];
  return html`<div class="row" role="group" aria-label="Show over time">
      ${Object.entries(MEASURES).map(
        ([
          name,
          { label },
        ]) => html`<${Link} key=${name} to=${{ show: name }} class=${classes('chip', name === measure && 'on')}
          aria-current=${name === measure ? 'true' : undefined}>${label}<//>`,
      )}
    </div>
    <${ErrorText} error=${error} />
    ${series && html`<${Chart} label=${`${label} by ${unit} and ${by}, UTC`} times=${times} series=${series} stacked format=${money ? dollars : brief} />`}
    ${more && html`<p>There are too many groups to draw: the newest hours are missing. Choose a shorter time.</p>`}`;
}
