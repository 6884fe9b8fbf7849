import type { KeyDigest } from '../../domain/key-digest.ts';

/** Digests of one secret: one for each live pepper, the current one first. */
export type Digests = readonly KeyDigest[];

/** All digests of several secrets, for `= ANY(…)`. */
export function digestBytes(wanted: readonly Digests[]): Buffer[] {
  return wanted.flat().map(({ digest }) => digest);
}

/** The row of each secret, in the order of the secrets. */
export function rowsInOrder<R extends { digest: Buffer }>(
  wanted: readonly Digests[],
  rows: readonly R[],
): (R | undefined)[] {
  const byDigest = new Map(rows.map((row) => [nameOf(row.digest), row]));
  return wanted.map((digests) =>
    digests.map(({ digest }) => byDigest.get(nameOf(digest))).find((row) => row !== undefined),
  );
}

/** Map key of a digest: a Latin-1 string. */
function nameOf(digest: Buffer): string {
  return digest.toString('latin1');
}
