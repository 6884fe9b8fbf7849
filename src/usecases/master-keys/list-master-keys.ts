import type { Clock } from '../../domain/clock.ts';
import type { MasterKeyStatus } from '../../domain/master-key.ts';
import { type Page, toPage } from '../../domain/page.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listMasterKeys as findMasterKeys } from '../../stores/postgres/master-keys/master-keys.ts';
import { type MasterKeyView, withUsage } from './master-key-view.ts';

export type MasterKeysRequest = {
  name?: string | undefined;
  status?: MasterKeyStatus | undefined;
  limit: number;
  before?: string | undefined;
};

/** A page of all master keys there have ever been, newest first. */
export async function listMasterKeys(
  { db, clock }: { db: Db; clock: Clock },
  { name, status, limit, before }: MasterKeysRequest,
): Promise<Page<MasterKeyView>> {
  const now = clock.now();
  const state = status && { status, now };
  const found = await findMasterKeys(db, { name, state, limit: limit + 1, before });
  const page = toPage(found, limit, ({ id }) => id);
  return { ...page, items: await withUsage(db, page.items, now) };
}
