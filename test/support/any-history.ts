import type { FeedGuard } from '../../src/stores/postgres/database-history.ts';

/** For reads of a database that never goes back. */
export const anyHistory: FeedGuard = { knownSeq: () => 0, requireCurrent: () => undefined };
