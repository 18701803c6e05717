/**
 * A chart over time, drawn by uPlot, which is loaded when the first one is shown. Below it stands the same as a table.
 *
 * @example
 * html`<${Chart} label="Cost by hour" times=${[1764288000, …]} series=${[{ label: 'bedrock', values: [0.1, null, …] }]}
 *   format=${(value) => shortMoney(…)} />`
 */
import { html, useEffect, useRef, useState } from './html.js';
import { Table } from './table.js';
import { moment } from './text.js';

const STYLES = '/ui/vendor/uplot-1.6.32.css';

let loading;
function load() {
  loading ??= (async () => {
    const sheet = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: STYLES });
    const styled = new Promise((resolve) => sheet.addEventListener('load', resolve, { once: true }));
    document.head.append(sheet);
    const [{ default: uPlot }] = await Promise.all([import('../vendor/uplot-1.6.32.js'), styled]);
    return uPlot;
  })();
  return loading;
}

/** A custom property as the colour it is now: `light-dark()` in it depends on the theme. */
function colour(inside, name) {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  inside.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const HEIGHT = 220;

/** Draws again when the theme changes, whoever changes it. */
function useTheme() {
  const [theme, set] = useState(0);
  useEffect(() => {
    const changed = () => set((times) => times + 1);
    const system = matchMedia('(prefers-color-scheme: dark)');
    const watch = new MutationObserver(changed);
    watch.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    system.addEventListener('change', changed);
    return () => {
      watch.disconnect();
      system.removeEventListener('change', changed);
    };
  }, []);
  return theme;
}

/** @param times seconds since the epoch, ascending; a series has one value, or null, for each */
export function Chart({ label, times, series, format = String, height = HEIGHT }) {
  const box = useRef();
  const theme = useTheme();
  useEffect(() => {
    let gone = false;
    let plot;
    let watch;
    load().then((uPlot) => {
      const into = box.current;
      if (gone || !into) return;
      const axis = {
        stroke: colour(into, '--text'),
        grid: { stroke: colour(into, '--line'), width: 1 },
        ticks: { show: false },
      };
      plot = new uPlot(
        {
          width: into.clientWidth,
          height,
          tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
          axes: [axis, { ...axis, size: 70, values: (_, ticks) => ticks.map((value) => format(value)) }],
          series: [
            { label: 'UTC' },
            ...series.map(({ label: name }, at) => ({
              label: name,
              stroke: colour(into, `--c${(at % 6) + 1}`),
              width: 2,
              value: (_, value) => (value == null ? '–' : format(value)),
            })),
          ],
        },
        [times, ...series.map(({ values }) => values)],
        into,
      );
      watch = new ResizeObserver(() => plot.setSize({ width: into.clientWidth, height }));
      watch.observe(into);
    });
    return () => {
      gone = true;
      watch?.disconnect();
      plot?.destroy();
    };
  }, [times, series, format, height, theme]);
  const columns = [
    { label: 'Time', cell: (at) => moment(times[at] * 1000) },
    ...series.map(({ label: name, values }) => ({
      label: name,
      numeric: true,
      cell: (at) => (values[at] == null ? '–' : format(values[at])),
    })),
  ];
  return html`<figure class="chart">
    <div ref=${box} role="img" aria-label=${label} style=${{ minHeight: `${height}px` }}></div>
    <details>
      <summary>${label}, as a table</summary>
      <${Table} caption=${label} columns=${columns} rows=${[...times.keys()]} />
    </details>
  </figure>`;
}
