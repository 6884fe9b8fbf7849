import type { AskedScope } from '../domain/asked-scope.ts';
import type { RareWarnings } from '../rare-warnings.ts';
import type { Database } from '../stores/postgres/database.ts';
import { saveAskedScopes } from '../stores/postgres/user-keys/asked-scopes.ts';

/** Of one statement: some tenths of a second where all of them are new. */
const scopesPerStatement = 2_000;

/** Saves scopes that gateways ask for, and logs of which organizations there were too many. */
export function scopeSaver(db: Database, warnings: RareWarnings) {
  return async (asked: readonly AskedScope[]): Promise<void> => {
    for (let start = 0; start < asked.length; start += scopesPerStatement) {
      for (const organizationId of await saveAskedScopes(
        db,
        asked.slice(start, start + scopesPerStatement),
      )) {
        const fields = { organization_id: organizationId };
        warnings.warn('asked scopes', fields, 'more scopes asked for than are kept: none is called unasked');
      }
    }
  };
}
