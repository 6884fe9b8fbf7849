import { once } from 'node:events';
import { printable } from './printable.ts';
import { startProgress } from './progress.ts';

export type Sink = { write(text: string): boolean };

export function writeLines(sink: Sink, lines: readonly string[]): void {
  for (const line of lines) sink.write(`${printable(line)}\n`);
}

/**
 * Writes a long answer to stdout at the pace of its reader. Escaped as JSON escapes, so that no
 * line moves the cursor of a terminal; JSON parses to the same.
 */
export async function writeLinesOf(lines: AsyncIterable<string>, what = 'lines'): Promise<void> {
  const progress = startProgress();
  let count = 0;
  try {
    for await (const line of lines) {
      const text = printable(line.replace(/\r$/, ''));
      if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
      count++;
      progress.show(`${count} ${what} …`);
    }
  } finally {
    progress.end();
  }
}
