/** Prints one progress line to stderr, so that stdout keeps the script's result. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}
