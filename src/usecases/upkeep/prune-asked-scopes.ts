import type { Database } from '../../stores/postgres/database.ts';
import { deleteOldAskedScopes } from '../../stores/postgres/user-keys/asked-scopes.ts';

/** Deletes asked scopes that no report can show. Returns their number. */
export function pruneAskedScopes(parts: { db: Database }): Promise<number> {
  return deleteOldAskedScopes(parts.db);
}
