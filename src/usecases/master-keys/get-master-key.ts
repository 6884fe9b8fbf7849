import type { Clock } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findMasterKey } from '../../stores/postgres/master-keys/master-keys.ts';
import { type MasterKeyView, withUsage } from './master-key-view.ts';

/**
 * One master key, also an ended one; never its secret. `MASTER_KEY_NOT_FOUND` when there never was
 * one.
 */
export async function getMasterKey(
  { db, clock }: { db: Db; clock: Clock },
  id: string,
): Promise<MasterKeyView> {
  const found = await findMasterKey(db, id);
  const [masterKey] = found === undefined ? [] : await withUsage(db, [found], clock.now());
  if (masterKey === undefined) throw new FlowplateError('MASTER_KEY_NOT_FOUND');
  return masterKey;
}
