import type { Database } from '../../stores/postgres/database.ts';
import { deleteKeyChangesOlderThan } from '../../stores/postgres/verifiers/change-feed.ts';
import { deleteSilentVerifiers } from '../../stores/postgres/verifiers/verifiers.ts';

/**
 * A verifier that was silent for longer is forgotten: when it comes back it finds its row gone and
 * starts anew.
 */
const silentVerifierMs = 20 * 60_000;

/**
 * Well beyond the silence above, so that no verifier which still has its row can miss a change that
 * is gone.
 */
const changeLifeMs = 60 * 60_000;

/** Forgets silent verifiers first, then the changes that only they could still have needed. */
export async function pruneChanges(parts: { db: Database }): Promise<number> {
  await deleteSilentVerifiers(parts.db, silentVerifierMs);
  return deleteKeyChangesOlderThan(parts.db, changeLifeMs);
}
