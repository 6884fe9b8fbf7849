import { sql } from 'kysely';
import type { SecondFactorKind } from '../../../domain/second-factor.ts';
import type { Database, Db, Tx } from '../database.ts';
import { deleteInBatches } from '../delete-in-batches.ts';

export type NewDeviceLogin = {
  deviceDigest: Buffer;
  userDigest: Buffer;
  place: Buffer;
  address: string | undefined;
  userAgent: string | undefined;
  intervalSeconds: number;
  createdAt: Date;
  expiresAt: Date;
};

/** How many requests are open: of this network, and of all. */
export async function countOpenDeviceLogins(
  db: Db,
  place: Buffer,
  now: Date,
): Promise<{ ofPlace: number; all: number }> {
  const { rows } = await sql<{ ofPlace: number; all: number }>`
    SELECT count(*) FILTER (WHERE place = ${place})::integer AS "ofPlace", count(*)::integer AS "all"
    FROM device_logins WHERE expires_at > ${now}`.execute(db);
  return rows[0] ?? { ofPlace: 0, all: 0 };
}

export async function insertDeviceLogin(tx: Tx, login: NewDeviceLogin): Promise<void> {
  await tx
    .insertInto('device_logins')
    .values({
      device_digest: login.deviceDigest,
      user_digest: login.userDigest,
      place: login.place,
      address: login.address ?? null,
      user_agent: login.userAgent ?? null,
      interval_seconds: login.intervalSeconds,
      created_at: login.createdAt,
      expires_at: login.expiresAt,
    })
    .execute();
}

/** A request that waits for an answer, as the person who answers is shown it. */
export type OpenDeviceLogin = {
  deviceDigest: Buffer;
  address: string | null;
  userAgent: string | null;
  createdAt: Date;
  expiresAt: Date;
};

export async function findOpenDeviceLogin(
  db: Db,
  userDigests: readonly Buffer[],
  now: Date,
): Promise<OpenDeviceLogin | undefined> {
  const row = await db
    .selectFrom('device_logins')
    .select(['device_digest', 'address', 'user_agent', 'created_at', 'expires_at'])
    .where('user_digest', '=', sql<Buffer>`any(${userDigests}::bytea[])`)
    .where('expires_at', '>', now)
    .where('is_denied', '=', false)
    .where('approved_by', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    deviceDigest: row.device_digest,
    address: row.address,
    userAgent: row.user_agent,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

/** The one answer to a request: an approving session, or a denial. False when it has one. */
export async function answerDeviceLogin(
  tx: Tx,
  deviceDigest: Buffer,
  answer: { approvedBy: string } | 'denied',
): Promise<boolean> {
  const values = answer === 'denied' ? { is_denied: true } : { approved_by: answer.approvedBy };
  const result = await tx
    .updateTable('device_logins')
    .set(values)
    .where('device_digest', '=', deviceDigest)
    .where('is_denied', '=', false)
    .where('approved_by', 'is', null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export type PolledDeviceLogin = {
  deviceDigest: Buffer;
  isDenied: boolean;
  intervalSeconds: number;
  lastPolledAt: Date | null;
  /** The session that approved, while it lasts and its user is active. */
  approval: { userId: string; secondFactor: SecondFactorKind | null; confirmedAt: Date } | undefined;
};

/** The request of a program that polls, whose row is locked until the transaction ends. */
export async function lockDeviceLogin(
  tx: Tx,
  deviceDigests: readonly Buffer[],
  now: Date,
): Promise<PolledDeviceLogin | undefined> {
  const row = await tx
    .selectFrom('device_logins')
    .leftJoin('platform_sessions', 'platform_sessions.id', 'device_logins.approved_by')
    .leftJoin('platform_users', 'platform_users.id', 'platform_sessions.user_id')
    .select([
      'device_digest',
      'is_denied',
      'interval_seconds',
      'last_polled_at',
      'second_factor',
      'platform_users.id as user_id',
      'confirmed_at',
      'platform_sessions.created_at as began_at',
    ])
    .where('device_digest', '=', sql<Buffer>`any(${deviceDigests}::bytea[])`)
    .where('device_logins.expires_at', '>', now)
    .where((on) =>
      on.or([
        on('approved_by', 'is', null),
        on.and([on('platform_users.is_active', '=', true), on('platform_sessions.expires_at', '>', now)]),
      ]),
    )
    .forUpdate('device_logins')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { user_id: userId, confirmed_at, began_at } = row;
  const confirmedAt = confirmed_at ?? began_at;
  const secondFactor = row.second_factor as SecondFactorKind | null;
  return {
    deviceDigest: row.device_digest,
    isDenied: row.is_denied,
    intervalSeconds: row.interval_seconds,
    lastPolledAt: row.last_polled_at,
    approval: userId === null || confirmedAt === null ? undefined : { userId, secondFactor, confirmedAt },
  };
}

/** How far the request of a program that polls has come: a read without a lock. */
export async function findDeviceLoginState(
  db: Db,
  deviceDigests: readonly Buffer[],
  now: Date,
): Promise<'unknown' | 'waiting' | 'answered'> {
  const row = await db
    .selectFrom('device_logins')
    .select(['approved_by', 'is_denied'])
    .where('device_digest', '=', sql<Buffer>`any(${deviceDigests}::bytea[])`)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  if (row === undefined) return 'unknown';
  return row.approved_by !== null || row.is_denied ? 'answered' : 'waiting';
}

export async function notePoll(
  tx: Tx,
  { deviceDigest, intervalSeconds, now }: { deviceDigest: Buffer; intervalSeconds: number; now: Date },
): Promise<void> {
  await tx
    .updateTable('device_logins')
    .set({ last_polled_at: now, interval_seconds: intervalSeconds })
    .where('device_digest', '=', deviceDigest)
    .execute();
}

export async function deleteDeviceLogin(tx: Tx, deviceDigest: Buffer): Promise<void> {
  await tx.deleteFrom('device_logins').where('device_digest', '=', deviceDigest).execute();
}

export async function deleteDeviceLoginsExpiredBefore(db: Database, notAfter: Date): Promise<number> {
  return deleteInBatches(db, 'device_logins', sql`expires_at <= ${notAfter}`);
}
