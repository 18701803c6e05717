/**
 * A real table.
 *
 * @example
 * html`<${Table} caption="Spent by provider" rows=${data} rowKey=${(row) => row.provider} csv="/v1/usage?group_by=provider"
 *   columns=${[
 *     { label: 'Provider', cell: (row) => html`<${Link} to=${{ panel: 'live', provider: row.provider }}>${row.provider}<//>` },
 *     { label: 'Cost', cell: (row) => html`<${Money} value=${row.cost} />`, numeric: true, sort: (row) => parseMoney(row.cost) },
 *   ]} />`
 */
import { classes, html, useMemo, useState } from './html.js';

const compare = (a, b) => (a == null ? (b == null ? 0 : 1) : b == null ? -1 : a < b ? -1 : a > b ? 1 : 0);

/** Asks the API for CSV by its own header, and saves the answer. */
export function CsvLink({ path, name = 'chasqui.csv' }) {
  const [error, fail] = useState();
  const save = async () => {
    const { request } = await import('./api.js');
    try {
      const answer = await request(path, { headers: { accept: 'text/csv' } });
      const url = URL.createObjectURL(await answer.blob());
      Object.assign(document.createElement('a'), { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
      fail(undefined);
    } catch (thrown) {
      fail(thrown.message);
    }
  };
  return html`<button type="button" class="link" onClick=${save}>CSV</button>${error && html` <span role="alert">${error}</span>`}`;
}

/**
 * @param columns `{label, cell(row), numeric?, sort?(row), filter?}`: a `filter` is a field under the column's head; with
 *   `sort` the head is a button
 * @param rowClass class of a row
 * @param detail what stands below a row, over all columns, if anything
 */
export function Table({ caption, columns, rows, rowKey, rowClass, detail, empty = 'Nothing here yet.', csv, csvName }) {
  const [order, setOrder] = useState();
  const sorted = useMemo(() => {
    const by = order && columns[order.column]?.sort;
    if (!by) return rows;
    return [...rows].sort((a, b) => (order.down ? -1 : 1) * compare(by(a), by(b)));
  }, [rows, columns, order]);
  const turn = (column) =>
    setOrder((before) =>
      before?.column === column ? { column, down: !before.down } : { column, down: Boolean(columns[column].numeric) },
    );
  const sortOf = (at) => (order?.column === at ? (order.down ? 'descending' : 'ascending') : undefined);
  const head = (
    { label, numeric, sort },
    at,
  ) => html`<th scope="col" class=${numeric && 'number'} aria-sort=${sortOf(at)}>
    ${sort ? html`<button type="button" class="head" onClick=${() => turn(at)}>${label}</button>` : label}
  </th>`;
  const lines = sorted.flatMap((row, at) => {
    const key = rowKey ? rowKey(row) : at;
    const more = detail?.(row);
    return [
      html`<tr key=${key} class=${rowClass?.(row)}>
        ${columns.map(({ cell, numeric }) => html`<td class=${numeric && 'number'}>${cell(row)}</td>`)}
      </tr>`,
      more ? html`<tr key=${`${key} detail`} class="detail"><td colspan=${columns.length}>${more}</td></tr>` : [],
    ].flat();
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table class=${classes(rows.length === 0 && 'empty')}>
      <caption>${caption} ${csv && html`<${CsvLink} path=${csv} name=${csvName} />`}</caption>
      <thead>
        <tr>${columns.map(head)}</tr>
        ${columns.some(({ filter }) => filter) && html`<tr class="filters">${columns.map(({ filter }) => html`<td>${filter}</td>`)}</tr>`}
      </thead>
      <tbody>
        ${lines.length > 0 ? lines : html`<tr><td colspan=${columns.length} class="quiet">${empty}</td></tr>`}
      </tbody>
    </table>
  </div>`;
}
