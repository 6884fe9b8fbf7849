import { sql } from 'kysely';
import { type MasterKeySettings, unsetMasterKeySettings } from '../../../domain/master-key-settings.ts';
import type { MintPeriod } from '../../../domain/mint-bounds.ts';
import type { Db, Tx } from '../database.ts';
import { saveMintBounds } from './mint-bounds.ts';

/** Sets what a master key that is stored already has set. */
export async function saveMasterKeySettings(
  tx: Tx,
  masterKeyId: string,
  { keyAgeSecondsMax, ...bounds }: MasterKeySettings,
): Promise<void> {
  await saveMintBounds(tx, masterKeyId, bounds);
  await tx
    .updateTable('master_keys')
    .set({ key_age_seconds_max: keyAgeSecondsMax })
    .where('id', '=', masterKeyId)
    .execute();
}

/** The settings of those that exist. */
export async function readMasterKeySettings(
  db: Db,
  masterKeyIds: readonly string[],
): Promise<Map<string, MasterKeySettings>> {
  const rows = await db
    .selectFrom('master_keys')
    .leftJoin('master_key_bounds', 'master_key_bounds.master_key_id', 'master_keys.id')
    .select(['master_keys.id', 'mint_limit', 'mint_period', 'living_max', 'key_age_seconds_max'])
    .where('master_keys.id', '=', sql<string>`any(${masterKeyIds}::text[])`)
    .execute();
  return new Map(
    rows.map(({ id, mint_limit: limit, mint_period, living_max, key_age_seconds_max }) => {
      const period = mint_period as MintPeriod | null;
      const mintQuota = limit === null || period === null ? null : { limit, period };
      return [id, { mintQuota, livingKeysMax: living_max, keyAgeSecondsMax: key_age_seconds_max }];
    }),
  );
}

/** The settings of one; unset when it does not exist. */
export async function findMasterKeySettings(db: Db, masterKeyId: string): Promise<MasterKeySettings> {
  return (await readMasterKeySettings(db, [masterKeyId])).get(masterKeyId) ?? unsetMasterKeySettings;
}
