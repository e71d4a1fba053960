/** One column of a table for people. */
export interface Column<Row> {
  readonly title: string;
  /** What stands in the cell; numbers are set to the right. `undefined` leaves it empty. */
  readonly value: (row: Row) => string | number | undefined;
  /** Sets texts to the right, too: sizes and durations with their units. */
  readonly align?: 'left' | 'right';
}

const GUTTER = '  ';

/** Plain-text table with a head line, columns as wide as their widest cell; no line ends in spaces. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const laidOut = columns.map((column) => {
    const values = rows.map((row) => column.value(row));
    const present = values.filter((value) => value !== undefined);
    const numeric = present.length > 0 && present.every((value) => typeof value === 'number');
    const cells = [column.title, ...values.map((value) => printable(String(value ?? '')))];
    const width = Math.max(...cells.map(charactersIn));
    const toTheRight = column.align === undefined ? numeric : column.align === 'right';
    return cells.map((cell) => pad(cell, width, toTheRight));
  });
  const lineCount = columns.length === 0 ? 0 : rows.length + 1;
  let text = '';
  for (let line = 0; line < lineCount; line++)
    text += `${laidOut
      .map((cells) => cells[line] ?? '')
      .join(GUTTER)
      .trimEnd()}\n`;
  return text;
}

/**
 * Text from outside made safe for a terminal: control characters, which could move the cursor or recolour what follows,
 * become `?`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '?');
}

function pad(cell: string, width: number, toTheRight: boolean): string {
  const space = ' '.repeat(width - charactersIn(cell));
  return toTheRight ? space + cell : cell + space;
}

function charactersIn(text: string): number {
  return Array.from(text).length;
}
