import { styleText } from 'node:util';
import stringWidth from 'string-width';
import { printable } from './printable.ts';

/** A title, and the text for one row. */
export type Column<Row> = readonly [title: string, text: (row: Row) => string];

const gap = '  ';

/**
 * Columns as wide as their widest text; in bold titles where the terminal has colours (it says so
 * itself, and NO_COLOR counts).
 */
export function tableLines<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string[] {
  const cells = rows.map((row) => columns.map(([, text]) => printable(text(row))));
  const titles = columns.map(([title]) => title);
  const widths = columns.map((_, index) =>
    [titles, ...cells].reduce((widest, line) => Math.max(widest, stringWidth(line[index] ?? '')), 0),
  );
  return [titles, ...cells].map((line, index) => {
    const text = line.map((cell, column) => pad(cell, widths[column] ?? 0)).join(gap);
    return index === 0 ? styleText('bold', text.trimEnd(), { stream: process.stdout }) : text.trimEnd();
  });
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(width - stringWidth(cell));
}
