export type Table = {
  title: string;
  columns: readonly string[];
  rows: ReadonlyArray<readonly string[]>;
  notes: readonly string[];
  /** Promises that the run found broken. With any of them the benchmark exits with 1. */
  contradictions?: readonly string[];
};

/** Markdown table that also reads well in a terminal, for docs/performance.md. */
export function toMarkdown({ title, columns, rows, notes }: Table): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, index) => pad(cells[index] ?? '', width, index)).join(' | ')} |`;
  const rule = `|${widths.map((width, index) => (index === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const lines = [`### ${title}`, '', line(columns), rule, ...rows.map(line)];
  return [...lines, ...notes.flatMap((note) => ['', note]), ''].join('\n');
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}
