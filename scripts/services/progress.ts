/**
 * One line for the person who waits. On stderr, so that what a script prints on stdout stays its
 * result.
 */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}
