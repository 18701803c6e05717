/** A column of a table: what it is headed with, and what each row has in it. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** Numbers go to the right, so that their places stand below one another. */
  readonly right?: boolean;
  /** May be cut in its middle where the table would be too wide. At most one column. */
  readonly gives?: boolean;
}

const GAP = '  ';
const ELLIPSIS = '…';
/** A name that is cut further than this says nothing any more. */
const LEAST = 16;

/** The beginning and the end of a name are what tells it from others. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const left = Math.ceil((width - ELLIPSIS.length) / 2);
  const right = width - ELLIPSIS.length - left;
  return text.slice(0, left) + ELLIPSIS + text.slice(text.length - right);
}

/** A text broken between words: the first line after `lead`, the others so far from the left. */
export function wrapped(lead: string, text: string, width: number, from = lead.length): string[] {
  const indent = ' '.repeat(from);
  const lines: string[] = [];
  let line = lead;
  let empty = true;
  for (const word of text.split(/\s+/)) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

/** Rows below one another, in columns as wide as they need to be. A column in which no row has anything is left out. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string[] {
  const filled = columns
    .map((column) => ({ ...column, cells: rows.map(column.cell) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
  const widths = filled.map(({ head, cells }) => Math.max(head.length, ...cells.map((cell) => cell.length)));
  const over = widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1)) - width;
  const gives = filled.findIndex((column) => column.gives);
  if (over > 0 && gives >= 0) widths[gives] = Math.max(LEAST, (widths[gives] ?? 0) - over);
  const line = (cell: (column: (typeof filled)[number]) => string): string =>
    filled
      .map((column, at) => {
        const room = widths[at] ?? 0;
        const text = shorten(cell(column), room);
        return column.right ? text.padStart(room) : text.padEnd(room);
      })
      .join(GAP)
      .trimEnd();
  return [line(({ head }) => head), ...rows.map((_row, at) => line(({ cells }) => cells[at] ?? ''))];
}
