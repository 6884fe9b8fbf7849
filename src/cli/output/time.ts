/** Time to the second, for people; --json has the milliseconds. */
export function toSeconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}

export function orNever(time: string | null | undefined): string {
  return time == null ? 'never' : toSeconds(time);
}
