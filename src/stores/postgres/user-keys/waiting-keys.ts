import { sql } from 'kysely';
import type { VisibleScope } from '../../../domain/principal.ts';
import type { WaitingKey } from '../../../domain/waiting-key.ts';
import type { Db, Tx } from '../database.ts';

type Row = Omit<WaitingKey, 'digest'> & { pepperId: string; digestBytes: Buffer };

const columns = sql`
  waiting.id, waiting.previous_key_id AS "previousKeyId", waiting.key_prefix AS "keyPrefix",
  waiting.pepper_id AS "pepperId", waiting.digest AS "digestBytes", waiting.minted_by AS "mintedBy",
  waiting.mint_number AS "mintNumber",
  waiting.expires_at AS "expiresAt", waiting.grace_seconds AS "graceSeconds",
  waiting.previous_until AS "previousUntil", waiting.created_at AS "createdAt"`;

/**
 * Stores a key that waits for its first use (migration 0057). The caller holds `lockUserKeys`, and
 * has removed the key that waited for the same place.
 */
export async function insertWaitingKey(tx: Tx, key: Omit<WaitingKey, 'mintNumber'>): Promise<void> {
  await tx
    .insertInto('waiting_keys')
    .values({
      id: key.id,
      previous_key_id: key.previousKeyId,
      pepper_id: key.digest.pepperId,
      digest: key.digest.digest,
      key_prefix: key.keyPrefix,
      minted_by: key.mintedBy,
      expires_at: key.expiresAt,
      grace_seconds: key.graceSeconds,
      previous_until: key.previousUntil,
      created_at: key.createdAt,
    })
    .execute();
}

/** The key that waits in a line, as long as its predecessor is the last one. */
export async function findWaitingKey(db: Db, id: string): Promise<WaitingKey | undefined> {
  const { rows } = await sql<Row>`
    SELECT ${columns} FROM waiting_keys AS waiting JOIN api_keys AS before ON before.id = waiting.previous_key_id
    WHERE waiting.id = ${id} AND may_activate(waiting, before)`.execute(db);
  return rows[0] && toWaitingKey(rows[0]);
}

/** Removes the key that waits for the place of this one, and returns it. */
export async function removeWaitingAfter(tx: Tx, previousKeyId: string): Promise<WaitingKey | undefined> {
  const { rows } = await sql<Row>`
    DELETE FROM waiting_keys AS waiting WHERE previous_key_id = ${previousKeyId} RETURNING ${columns}`.execute(
    tx,
  );
  return rows[0] && toWaitingKey(rows[0]);
}

/** Removes a waiting key, and returns it. Undefined when it has become active, or is gone. */
export async function removeWaitingKey(tx: Tx, id: string): Promise<WaitingKey | undefined> {
  const { rows } = await sql<Row>`
    DELETE FROM waiting_keys AS waiting WHERE id = ${id} RETURNING ${columns}`.execute(tx);
  return rows[0] && toWaitingKey(rows[0]);
}

/** Whether some key that this master key has issued waits for its first use. */
export async function hasWaitingKeys(db: Db, mintedBy: string): Promise<boolean> {
  const { rows } = await sql<{ exists: boolean }>`
    SELECT EXISTS (SELECT FROM waiting_keys WHERE minted_by = ${mintedBy}) AS exists`.execute(db);
  return rows[0]?.exists === true;
}

type Owner = {
  userId?: string | undefined;
  organizationId?: string | undefined;
  environment?: string | undefined;
};

/**
 * Removes what waits of a master key's keys: of one owner where fields are given, and of what the
 * caller sees.
 */
export async function removeWaitingOfMinter(
  tx: Tx,
  mintedBy: string,
  { userId, organizationId, environment }: Owner,
  seen: VisibleScope,
): Promise<void> {
  await sql`
    DELETE FROM waiting_keys AS waiting USING api_keys AS before
    WHERE waiting.minted_by = ${mintedBy} AND before.id = waiting.previous_key_id
      AND ${isEqual('user_id', userId)} AND ${isEqual('organization_id', organizationId)}
      AND ${isEqual('environment', environment)}
      AND ${isSeen('organization_id', seen.organizationIds)}
      AND ${isSeen('environment', seen.environments)}`.execute(tx);
}

type OwnerColumn = 'user_id' | 'organization_id' | 'environment';

function isEqual(column: OwnerColumn, value: string | undefined) {
  return value === undefined ? sql`true` : sql`before.${sql.ref(column)} = ${value}`;
}

function isSeen(column: OwnerColumn, values: readonly string[] | null) {
  return values === null ? sql`true` : sql`before.${sql.ref(column)} = ANY(${values}::text[])`;
}

/**
 * Takes a waiting key out, to be activated, if its predecessor and the stops allow it. The caller
 * holds `lockUserKeys`.
 */
export async function takeWaitingKey(tx: Tx, id: string): Promise<WaitingKey | undefined> {
  const { rows } = await sql<Row>`
    DELETE FROM waiting_keys AS waiting USING api_keys AS before
    WHERE waiting.id = ${id} AND before.id = waiting.previous_key_id AND may_activate(waiting, before)
    RETURNING ${columns}`.execute(tx);
  return rows[0] && toWaitingKey(rows[0]);
}

/**
 * Gives the key that waits after this one a new end. Returns when the present key ends at the
 * latest; undefined when none waits.
 */
export async function setWaitingEnd(
  tx: Tx,
  previousKeyId: string,
  expiresAt: Date | null,
): Promise<Date | undefined> {
  const { rows } = await sql<{ previousUntil: Date }>`
    UPDATE waiting_keys SET expires_at = ${expiresAt} WHERE previous_key_id = ${previousKeyId}
    RETURNING previous_until AS "previousUntil"`.execute(tx);
  return rows[0]?.previousUntil;
}

/** Deletes waiting keys whose line has gone on without them, or has ended. */
export async function pruneWaitingKeys(db: Db): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    DELETE FROM waiting_keys AS waiting
    WHERE NOT EXISTS (
      SELECT FROM api_keys AS before WHERE before.id = waiting.previous_key_id AND may_activate(waiting, before))
    RETURNING id`.execute(db);
  return rows.length;
}

function toWaitingKey({ pepperId, digestBytes, ...row }: Row): WaitingKey {
  return { ...row, digest: { pepperId, digest: digestBytes } };
}
