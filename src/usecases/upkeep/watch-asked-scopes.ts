import type { Database } from '../../stores/postgres/database.ts';
import { checkScopeRecords } from '../../stores/postgres/user-keys/asked-scopes.ts';

/**
 * Begins the record of the scopes that gateways ask for, and begins it anew while a verifier does
 * not report them.
 */
export function watchAskedScopes(parts: { db: Database }): Promise<void> {
  return checkScopeRecords(parts.db);
}
