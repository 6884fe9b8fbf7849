import type { Database } from '../../stores/postgres/database.ts';
import { pruneWaitingKeys as deleteEndedOnes } from '../../stores/postgres/user-keys/waiting-keys.ts';

/**
 * Deletes keys that waited for a first use that cannot come any more. Verification has decided the
 * same without it.
 */
export function pruneWaitingKeys(parts: { db: Database }): Promise<number> {
  return deleteEndedOnes(parts.db);
}
