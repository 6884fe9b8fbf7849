import { printable } from './printable.ts';

export type Sink = { write(text: string): boolean };

export function writeLines(sink: Sink, lines: readonly string[]): void {
  for (const line of lines) sink.write(`${printable(line)}\n`);
}
