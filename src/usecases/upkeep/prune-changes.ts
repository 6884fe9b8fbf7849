import type { Database } from '../../stores/postgres/database.ts';
import { deleteKeyChangesOlderThan } from '../../stores/postgres/verifiers/change-feed.ts';
import { deleteSilentVerifiers } from '../../stores/postgres/verifiers/verifiers.ts';

/** A verifier that is silent for longer is deleted; when it returns it registers again. */
const silentVerifierMs = 20 * 60_000;

/** Bounds the rows while their silence cannot be told, for example because the job fails. */
const untoldVerifierMs = 7 * 86_400_000;

/** Well above the silence limit, so that a verifier with a row cannot miss a deleted change. */
const changeLifeMs = 60 * 60_000;

/** Deletes silent verifiers first, then the changes that only they could need. */
export async function pruneChanges(parts: { db: Database }): Promise<number> {
  await deleteSilentVerifiers(parts.db, { ageMs: silentVerifierMs, untoldMs: untoldVerifierMs });
  return deleteKeyChangesOlderThan(parts.db, changeLifeMs);
}
