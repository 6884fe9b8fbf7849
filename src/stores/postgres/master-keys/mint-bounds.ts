import { sql } from 'kysely';
import type { MintBounds } from '../../../domain/mint-bounds.ts';
import type { Tx } from '../database.ts';

/**
 * Sets the bounds of a master key. What it has minted in the current period goes on counting. A
 * mint under way is finished first, since it holds the row.
 */
export async function saveMintBounds(
  tx: Tx,
  masterKeyId: string,
  { mintQuota, livingKeysMax }: MintBounds,
): Promise<void> {
  if (mintQuota === null && livingKeysMax === null) {
    await tx.deleteFrom('master_key_bounds').where('master_key_id', '=', masterKeyId).execute();
    return;
  }
  const values = {
    mint_limit: mintQuota?.limit ?? null,
    mint_period: mintQuota?.period ?? null,
    living_max: livingKeysMax,
  };
  await tx
    .insertInto('master_key_bounds')
    .values({ master_key_id: masterKeyId, ...values })
    .onConflict((conflict) => conflict.column('master_key_id').doUpdateSet(values))
    .execute();
}

/** Counts what a master key has minted in the current period for its successor too. */
export async function carryMintsOver(tx: Tx, change: { from: string; to: string }): Promise<void> {
  await sql`
    UPDATE master_key_bounds AS successor
    SET period_start = old.period_start, minted = old.minted, told_mints = old.told_mints
    FROM master_key_bounds AS old
    WHERE old.master_key_id = ${change.from} AND successor.master_key_id = ${change.to}`.execute(tx);
}

/** Null for what is not bounded. */
export type LivingRoom = { livingMax: number | null; living: number | null };

/**
 * The living keys of a master key, locked until the commit (migration 0040). Undefined without
 * bounds.
 */
export async function holdLivingRoom(tx: Tx, masterKeyId: string): Promise<LivingRoom | undefined> {
  const { rows } = await sql<LivingRoom>`
    SELECT living_max AS "livingMax", living FROM hold_mint_bounds(ARRAY[${masterKeyId}])`.execute(tx);
  return rows[0];
}
