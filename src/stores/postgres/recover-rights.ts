import { sql } from 'kysely';
import type { ApiUser } from '../../domain/api-user.ts';
import type { Origin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import type { KeyStop } from '../../domain/key-stop.ts';
import type { Tx } from './database.ts';

/** A thing of the journal with the newest revision that it names. */
export type Remembered = { id: string; revision: number };

export type RecoveredKey = {
  id: string;
  kind: 'user' | 'tenant' | 'platform';
  revision: number;
  organizationId: string;
  environment: string;
  keyPrefix: string;
};

export type ForgottenApiUser = {
  id: string;
  role: ApiUser['role'];
  keyId: string;
  /** Of its key. */
  revision: number;
};

function asRows(remembered: readonly Remembered[]) {
  const ids = remembered.map(({ id }) => id);
  const revisions = remembered.map(({ revision }) => revision);
  return sql`unnest(${ids}::text[], ${revisions}::bigint[]) AS remembered (id, revision)`;
}

/** Its revision goes beyond the remembered one, so that no cache takes it for the earlier state. */
const nextRevision = sql`greatest(known.revision, remembered.revision) + 1`;

/**
 * Revokes every living key that is older than what is remembered of it. Keys of API users are
 * switched off instead, with their users.
 */
export async function revokeForgottenKeys(
  tx: Tx,
  remembered: readonly Remembered[],
  now: Date,
): Promise<RecoveredKey[]> {
  const { rows } = await sql<RecoveredKey>`
    UPDATE api_keys AS known SET status = 'revoked', revoked_at = ${now}, quarantined_until = NULL, updated_at = ${now},
      revision = ${nextRevision}
    FROM ${asRows(remembered)}
    WHERE known.id = remembered.id AND known.revision < remembered.revision
      AND (known.status IN ('active', 'superseded') OR known.quarantined_until IS NOT NULL)
      AND known.kind <> 'api_user'
    RETURNING known.id, known.kind, known.revision, known.organization_id AS "organizationId", known.environment,
      known.key_prefix AS "keyPrefix"`.execute(tx);
  return rows;
}

/**
 * Switches off the API users of keys that are older than what is remembered of them. The key may
 * have been rotated because others knew it: another digest takes its place, which nobody can
 * present, so that only a rotation gives the user a key again.
 */
export async function switchOffApiUsers(
  tx: Tx,
  remembered: readonly Remembered[],
  now: Date,
): Promise<ForgottenApiUser[]> {
  const { rows } = await sql<ForgottenApiUser>`
    WITH keys AS (
      UPDATE api_keys AS known SET enabled = false, updated_at = ${now}, revision = ${nextRevision},
        digest = sha256(convert_to(gen_random_uuid()::text, 'UTF8'))
      FROM ${asRows(remembered)}
      WHERE known.id = remembered.id AND known.revision < remembered.revision AND known.status = 'active'
        AND known.kind = 'api_user'
      RETURNING known.id, known.user_id, known.revision)
    UPDATE api_users AS known SET is_active = false, updated_at = ${now}
    FROM keys WHERE known.id = keys.user_id
    RETURNING known.id, known.role, keys.id AS "keyId", keys.revision`.execute(tx);
  return rows;
}

/** Revokes platform keys that hold one of these roles. */
export async function revokePlatformKeysOfRoles(
  tx: Tx,
  roleIds: readonly string[],
  now: Date,
): Promise<RecoveredKey[]> {
  const { rows } = await sql<RecoveredKey>`
    UPDATE api_keys SET status = 'revoked', revoked_at = ${now}, updated_at = ${now}, revision = revision + 1
    WHERE role_ids && ${roleIds}::text[] AND status IN ('active', 'superseded')
    RETURNING id, kind, revision, organization_id AS "organizationId", environment, key_prefix AS "keyPrefix"`.execute(
    tx,
  );
  return rows;
}

/** The same as for keys. */
export async function revokeForgottenMasterKeys(
  tx: Tx,
  remembered: readonly Remembered[],
  now: Date,
): Promise<Remembered[]> {
  const { rows } = await sql<Remembered>`
    UPDATE master_keys AS known SET revoked_at = ${now}, revision = ${nextRevision}
    FROM ${asRows(remembered)}
    WHERE known.id = remembered.id AND known.revision < remembered.revision AND known.revoked_at IS NULL
    RETURNING known.id, known.revision`.execute(tx);
  return rows;
}

/** Sets organizations to the status that is remembered of them. */
export async function stopForgottenOrganizations(
  tx: Tx,
  remembered: readonly (Remembered & { status: string })[],
  now: Date,
): Promise<(Remembered & { status: string })[]> {
  const statuses = remembered.map(({ status }) => status);
  const { rows } = await sql<Remembered & { status: string }>`
    UPDATE organizations AS known SET status = remembered.status, revision = ${nextRevision}, updated_at = ${now}
    FROM unnest(${remembered.map(({ id }) => id)}::text[], ${remembered.map(({ revision }) => revision)}::bigint[],
      ${statuses}::text[]) AS remembered (id, revision, status)
    WHERE known.id = remembered.id AND known.revision < remembered.revision AND known.status = 'active'
    RETURNING known.id, known.revision, known.status`.execute(tx);
  return rows;
}

/**
 * Inserts the stops that the database does not have. Mints go on behind their numbers, so that keys
 * that are minted from now on are not covered.
 */
export async function insertForgottenStops(
  { randomBytes }: { randomBytes: RandomBytes },
  tx: Tx,
  { actor }: Origin,
  stops: readonly KeyStop[],
  now: Date,
): Promise<(KeyStop & { id: string })[]> {
  const inserted: (KeyStop & { id: string })[] = [];
  for (const { kind, subject, mintNumberBelow, createdBefore } of stops) {
    const id = newId('stop', now, randomBytes);
    const { numAffectedRows } = await sql`
      INSERT INTO key_stops (id, kind, subject, mint_number_below, created_before, reason, actor_kind, actor_id)
      SELECT ${id}, ${kind}, ${subject}, ${mintNumberBelow}, ${createdBefore}, 'unspecified', ${actor.kind}, ${actor.id}
      WHERE NOT EXISTS (SELECT FROM key_stops WHERE kind = ${kind} AND subject = ${subject}
        AND mint_number_below = ${mintNumberBelow} AND created_before IS NOT DISTINCT FROM ${createdBefore})`.execute(
      tx,
    );
    if (numAffectedRows !== 1n) continue;
    await sql`
      SELECT setval('mint_numbers', ${mintNumberBelow}::bigint)
      WHERE (SELECT last_value FROM mint_numbers) < ${mintNumberBelow}::bigint`.execute(tx);
    inserted.push({ id, kind, subject, mintNumberBelow, createdBefore });
  }
  return inserted;
}

/** Switches off platform users by id, and those who hold one of these roles. */
export async function switchOffOperators(
  tx: Tx,
  { userIds, roleIds }: { userIds: readonly string[]; roleIds: readonly string[] },
  now: Date,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    UPDATE platform_users SET is_active = false, updated_at = ${now}
    WHERE is_active AND (id = ANY(${userIds}::text[]) OR role_ids && ${roleIds}::text[]) RETURNING id`.execute(
    tx,
  );
  return rows.map(({ id }) => id);
}

/** Every session and every kept answer is of the earlier history. */
export async function deleteSessionsAndAnswers(tx: Tx): Promise<void> {
  await sql`DELETE FROM platform_sessions`.execute(tx);
  await sql`DELETE FROM idempotency_keys`.execute(tx);
}
