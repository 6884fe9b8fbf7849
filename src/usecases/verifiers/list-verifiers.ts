import type { Db } from '../../stores/postgres/database.ts';
import { findLastKeyChangeSeq } from '../../stores/postgres/verifiers/change-feed.ts';
import {
  countVerifiers,
  listVerifierLeases,
  type VerifierLease,
} from '../../stores/postgres/verifiers/verifiers.ts';

export type VerifierFleet = {
  /** The last number of the feed. */
  headSeq: number;
  live: number;
  lapsed: number;
  verifiers: (VerifierLease & { behind: number })[];
};

/** More than a page shows; what is counted is exact beyond it. */
const shownMax = 200;

/**
 * The verifiers that were heard of lately, those first for which a revoke waits longest: alive, and
 * far behind in the feed. `behind` is 0 for one that knows everything, and else at most so many
 * changes: a number that was rolled back is never one.
 */
export async function listVerifiers({ db }: { db: Db }): Promise<VerifierFleet> {
  const verifiers = await listVerifierLeases(db, shownMax);
  const counts = await countVerifiers(db);
  // Read last: what a verifier has applied is never ahead of it, unless the feed was emptied
  // meanwhile.
  const headSeq = await findLastKeyChangeSeq(db);
  return {
    headSeq,
    ...counts,
    verifiers: verifiers.map((verifier) => ({
      ...verifier,
      behind: Math.max(0, headSeq - verifier.appliedSeq),
    })),
  };
}
