import { sql } from 'kysely';
import type { Db, Tx } from '../database.ts';

export type StoredSigningKey = {
  id: string;
  /** SPKI, PEM. */
  publicKey: string;
  /** PKCS #8, PEM, sealed under the pepper with this id. */
  sealedPrivateKey: Buffer;
  pepperId: string;
  createdAt: Date;
};

/** Newest first. */
export async function listSigningKeys(db: Db): Promise<StoredSigningKey[]> {
  const rows = await db.selectFrom('signing_keys').selectAll().orderBy('created_at', 'desc').execute();
  return rows.map((row) => ({
    id: row.id,
    publicKey: row.public_key,
    sealedPrivateKey: row.sealed_private_key,
    pepperId: row.pepper_id,
    createdAt: row.created_at,
  }));
}

/** Serialises the creation of a new key. */
export async function lockSigningKeys(tx: Tx): Promise<void> {
  await sql`LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE`.execute(tx);
}

export async function insertSigningKey(tx: Tx, key: StoredSigningKey): Promise<void> {
  await tx
    .insertInto('signing_keys')
    .values({
      id: key.id,
      public_key: key.publicKey,
      sealed_private_key: key.sealedPrivateKey,
      pepper_id: key.pepperId,
      created_at: key.createdAt,
    })
    .execute();
}

export async function deleteSigningKeysBefore(db: Db, notAfter: Date): Promise<number> {
  const result = await db.deleteFrom('signing_keys').where('created_at', '<=', notAfter).executeTakeFirst();
  return Number(result.numDeletedRows);
}
