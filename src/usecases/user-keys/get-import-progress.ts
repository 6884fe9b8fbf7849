import type { VisibleScope } from '../../domain/principal.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { type ImportProgress, readImportProgress } from '../../stores/postgres/user-keys/imported-keys.ts';

/** How many imported keys, of those that the caller may see, still wait for their first use. */
export function getImportProgress({ db }: { db: Db }, reach: VisibleScope): Promise<ImportProgress[]> {
  return readImportProgress(db, reach);
}
