import type { Db, Tx } from '../database.ts';

export type Passkey = {
  id: string;
  credentialId: string;
  /** COSE. */
  publicKey: Buffer;
  signCount: number;
  transports: string[];
  /** Host of the page where it was made, and where alone it is good. */
  rpId: string;
};

export async function listPasskeys(db: Db, userId: string): Promise<Passkey[]> {
  const rows = await db
    .selectFrom('second_factors')
    .select(['id', 'credential_id', 'public_key', 'sign_count', 'transports', 'rp_id'])
    .where('user_id', '=', userId)
    .where('kind', '=', 'passkey')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    credentialId: row.credential_id ?? '',
    publicKey: row.public_key ?? Buffer.alloc(0),
    signCount: row.sign_count ?? 0,
    transports: row.transports ?? [],
    rpId: row.rp_id ?? '',
  }));
}

/** False when another account, or this one, has a passkey with this credential id. */
export async function insertPasskey(
  tx: Tx,
  { id, credentialId, publicKey, signCount, transports, rpId }: Passkey,
  { userId, name, now }: { userId: string; name: string; now: Date },
): Promise<boolean> {
  const result = await tx
    .insertInto('second_factors')
    .values({
      ...{ id, user_id: userId, kind: 'passkey', name, created_at: now, activated_at: now },
      ...{ credential_id: credentialId, public_key: publicKey, sign_count: signCount },
      ...{ transports, rp_id: rpId },
    })
    .onConflict((conflict) => conflict.column('credential_id').doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function notePasskeyUse(tx: Tx, id: string, signCount: number, now: Date): Promise<void> {
  await tx
    .updateTable('second_factors')
    .set({ sign_count: signCount, last_used_at: now })
    .where('id', '=', id)
    .execute();
}
