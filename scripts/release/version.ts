/** Major, minor and patch of a version without a pre-release part. Undefined for anything else. */
function partsOf(version: string): number[] | undefined {
  const parts = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/.exec(version);
  return parts?.slice(1).map(Number);
}

/** Throws unless `next` is a version, and a later one than `current`. */
export function requireLaterVersion(next: string, current: string): void {
  const [wanted, had] = [partsOf(next), partsOf(current)];
  if (wanted === undefined || had === undefined) throw new Error(`${next} is no version like 1.2.3`);
  const index = wanted.findIndex((part, place) => part !== had[place]);
  if (index < 0 || (wanted[index] ?? 0) < (had[index] ?? 0)) {
    throw new Error(`${next} is not later than ${current}`);
  }
}
