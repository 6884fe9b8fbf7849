import { FlowplateError } from '../../domain/errors.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findMasterKey } from '../../stores/postgres/master-keys.ts';
import { type ShownMasterKey, withMintedCounts } from './shown-master-key.ts';

/** One master key, ended ones included; never its secret. `MASTER_KEY_NOT_FOUND` when there never was one. */
export async function getMasterKey(parts: { db: Db }, id: string): Promise<ShownMasterKey> {
  const found = await findMasterKey(parts.db, id);
  const [masterKey] = found === undefined ? [] : await withMintedCounts(parts.db, [found]);
  if (masterKey === undefined) throw new FlowplateError('MASTER_KEY_NOT_FOUND');
  return masterKey;
}
