import type { KeyDigest } from '../../domain/key-digest.ts';

/** A secret as a table knows it: one digest for each live pepper, the current one first. */
export type Digests = readonly KeyDigest[];

/** All digests of several secrets, for `= ANY(…)`. */
export function digestBytes(wanted: readonly Digests[]): Buffer[] {
  return wanted.flat().map(({ digest }) => digest);
}

/** For each of several secrets, in their order, the row that has one of its digests. */
export function rowsInOrder<R extends { digest: Buffer }>(
  wanted: readonly Digests[],
  rows: readonly R[],
): (R | undefined)[] {
  const byDigest = new Map(rows.map((row) => [nameOf(row.digest), row]));
  return wanted.map((digests) =>
    digests.map(({ digest }) => byDigest.get(nameOf(digest))).find((row) => row !== undefined),
  );
}

/** A digest as a key of a map: a character for each byte. */
function nameOf(digest: Buffer): string {
  return digest.toString('latin1');
}
