import type { Db } from '../../stores/postgres/database.ts';
import { findLastKeyChangeSeq } from '../../stores/postgres/verifiers/change-feed.ts';
import {
  countVerifiers,
  listVerifierLeases,
  type VerifierLease,
} from '../../stores/postgres/verifiers/verifiers.ts';

export type VerifierFleet = {
  /** Last position of the feed. */
  headSeq: number;
  live: number;
  lapsed: number;
  verifiers: (VerifierLease & { behind: number })[];
};

/** More than a page shows; the counts stay exact beyond it. */
const shownMax = 200;

/**
 * Recent verifiers, first those that delay a revoke most: live, and far behind in the feed.
 * `behind` is 0 when up to date, otherwise an upper bound, because rollbacks leave gaps in the
 * positions.
 */
export async function listVerifiers({ db }: { db: Db }): Promise<VerifierFleet> {
  const verifiers = await listVerifierLeases(db, shownMax);
  const counts = await countVerifiers(db);
  // Read last: an applied position is never ahead of it, unless the feed was emptied meanwhile.
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
