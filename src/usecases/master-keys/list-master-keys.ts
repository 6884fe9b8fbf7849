import type { Db } from '../../stores/postgres/database.ts';
import { listMasterKeys as findMasterKeys } from '../../stores/postgres/master-keys.ts';
import { type ShownMasterKey, withMintedCounts } from './shown-master-key.ts';

/** A page of all master keys there have ever been, newest first, and whether another one follows. */
export async function listMasterKeys(
  parts: { db: Db },
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<{ masterKeys: ShownMasterKey[]; hasMore: boolean }> {
  const found = await findMasterKeys(parts.db, { limit: limit + 1, before });
  return {
    masterKeys: await withMintedCounts(parts.db, found.slice(0, limit)),
    hasMore: found.length > limit,
  };
}
