/** For people: to the second, as everywhere in the tables. The milliseconds are in --json. */
export function toSeconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}

export function orNever(time: string | null | undefined): string {
  return time == null ? 'never' : toSeconds(time);
}
