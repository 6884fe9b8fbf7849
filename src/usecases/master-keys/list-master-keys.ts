import type { Clock } from '../../domain/clock.ts';
import type { MasterKeyStatus } from '../../domain/master-key.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listMasterKeys as findMasterKeys } from '../../stores/postgres/master-keys/master-keys.ts';
import { type ShownMasterKey, withUse } from './master-key-view.ts';

export type MasterKeysRequest = {
  name?: string | undefined;
  status?: MasterKeyStatus | undefined;
  limit: number;
  before?: string | undefined;
};

/**
 * A page of all master keys there have ever been, newest first, and whether another one follows.
 */
export async function listMasterKeys(
  { db, clock }: { db: Db; clock: Clock },
  { name, status, limit, before }: MasterKeysRequest,
): Promise<{ masterKeys: ShownMasterKey[]; hasMore: boolean }> {
  const now = clock.now();
  const state = status && { status, now };
  const found = await findMasterKeys(db, { name, state, limit: limit + 1, before });
  return { masterKeys: await withUse(db, found.slice(0, limit), now), hasMore: found.length > limit };
}
