import { styleText } from 'node:util';
import stringWidth from 'string-width';
import { printable } from './printable.ts';

/** Title of a column, and its text for a row. */
export type Column<Row> = readonly [title: string, text: (row: Row) => string];

const gap = '  ';

/**
 * Lays out columns by their widest text, with bold titles in colour terminals (NO_COLOR is
 * respected).
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
