import { sql } from 'kysely';
import type { Clock } from '../../../domain/clock.ts';
import type { PlatformPermission } from '../../../domain/permission.ts';
import type { SecondFactorKind } from '../../../domain/second-factor.ts';
import type { SessionMethod, SessionOrigin } from '../../../domain/session.ts';
import type { Database, Db, Tx } from '../database.ts';
import { deleteInBatches } from '../delete-in-batches.ts';
import { inBatches, type LookUpLimits } from '../look-ups.ts';

export type Session = {
  id: string;
  userId: string;
  expiresAt: Date;
  createdAt: Date;
  /** When the owner last proved who they are. */
  confirmedAt: Date;
  origin: SessionOrigin;
};

export async function insertSession(tx: Tx, session: Session): Promise<void> {
  await tx
    .insertInto('platform_sessions')
    .values({
      id: session.id,
      user_id: session.userId,
      expires_at: session.expiresAt,
      created_at: session.createdAt,
      confirmed_at: session.confirmedAt,
      method: session.origin.method,
      second_factor: session.origin.secondFactor,
      address: session.origin.address ?? null,
      user_agent: session.origin.userAgent ?? null,
    })
    .execute();
}

export type SessionHolder = {
  userId: string;
  name: string;
  roleIds: string[];
  permissions: PlatformPermission[];
  method: SessionMethod;
  secondFactor: SecondFactorKind | null;
};

export type FindSessionHolder = (sessionId: string) => Promise<SessionHolder | undefined>;

/** Batched lookups by session id (look-ups.ts). */
export function sessionHolderLookUps(db: Database, clock: Clock, limits: LookUpLimits): FindSessionHolder {
  return inBatches(limits, (ids: readonly string[]) => findSessionHolders(db, ids, clock.now()));
}

export async function findSessionHolder(db: Db, id: string, now: Date): Promise<SessionHolder | undefined> {
  return (await findSessionHolders(db, [id], now))[0];
}

/**
 * Users of sessions with their current roles and permissions; undefined when the session has ended
 * or the user is not active. Read at every request, so that changes apply from the next one.
 */
async function findSessionHolders(
  db: Db,
  ids: readonly string[],
  now: Date,
): Promise<(SessionHolder | undefined)[]> {
  const { rows } = await sql<SessionHolder & { sessionId: string }>`
    SELECT s.id AS "sessionId", u.id AS "userId", u.name, u.role_ids AS "roleIds",
      s.method, s.second_factor AS "secondFactor",
      ARRAY(SELECT DISTINCT unnest(roles.permissions) FROM roles WHERE roles.id = ANY(u.role_ids) ORDER BY 1) AS permissions
    FROM platform_sessions s JOIN platform_users u ON u.id = s.user_id
    WHERE s.id = ANY(${[...new Set(ids)]}::text[]) AND s.expires_at > ${now} AND u.is_active`.execute(db);
  const holders = new Map(rows.map(({ sessionId, ...holder }) => [sessionId, holder]));
  return ids.map((id) => holders.get(id));
}

export async function deleteSession(tx: Tx, id: string): Promise<boolean> {
  const result = await tx.deleteFrom('platform_sessions').where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** A session as its owner sees it. */
export type OwnSession = Pick<Session, 'id' | 'createdAt' | 'expiresAt'> & {
  method: SessionMethod;
  secondFactor: SecondFactorKind | null;
  address: string | null;
  userAgent: string | null;
};

/** Living sessions of a user, newest first. */
export async function listSessionsOf(
  db: Db,
  userId: string,
  { now, limit, before }: { now: Date; limit: number; before?: string | undefined },
): Promise<OwnSession[]> {
  let query = db
    .selectFrom('platform_sessions')
    .select(['id', 'created_at', 'expires_at', 'method', 'second_factor', 'address', 'user_agent'])
    .where('user_id', '=', userId)
    .where('expires_at', '>', now);
  if (before !== undefined) query = query.where('id', '<', before);
  const rows = await query.orderBy('id', 'desc').limit(limit).execute();
  return rows.map((row) => ({
    id: row.id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    method: row.method as SessionMethod,
    secondFactor: row.second_factor as SecondFactorKind | null,
    address: row.address,
    userAgent: row.user_agent,
  }));
}

/** Ends one living session of this user. False when they have none with this id. */
export async function deleteSessionOf(tx: Tx, userId: string, id: string, now: Date): Promise<boolean> {
  const result = await tx
    .deleteFrom('platform_sessions')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** When the session's owner last proved who they are; null when that is not known. */
export async function findConfirmation(tx: Tx, id: string): Promise<Date | null> {
  const row = await tx
    .selectFrom('platform_sessions')
    .select('confirmed_at')
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.confirmed_at ?? null;
}

/** Notes a step-up, and the second factor if one was used. */
export async function confirmSession(
  tx: Tx,
  id: string,
  now: Date,
  secondFactor: SecondFactorKind | undefined,
): Promise<void> {
  await tx
    .updateTable('platform_sessions')
    .set({ confirmed_at: now, ...(secondFactor !== undefined && { second_factor: secondFactor }) })
    .where('id', '=', id)
    .execute();
}

/** The account has no second factor any more, so no session counts as one with it. */
export async function forgetSecondFactorOf(tx: Tx, userId: string): Promise<void> {
  await tx
    .updateTable('platform_sessions')
    .set({ second_factor: null })
    .where('user_id', '=', userId)
    .execute();
}

/** Ends the device sessions that were approved with a second factor, while these still say so. */
export async function deleteProvenDeviceSessionsOf(tx: Tx, userId: string): Promise<void> {
  await tx
    .deleteFrom('platform_sessions')
    .where('user_id', '=', userId)
    .where('method', '=', 'device')
    .where('second_factor', 'is not', null)
    .execute();
}

/** Ends all sessions of a user, and returns their number. */
export async function deleteSessionsOf(tx: Tx, userId: string, exceptId?: string): Promise<number> {
  let query = tx.deleteFrom('platform_sessions').where('user_id', '=', userId);
  if (exceptId !== undefined) query = query.where('id', '<>', exceptId);
  return Number((await query.executeTakeFirst()).numDeletedRows);
}

export async function deleteSessionsExpiredBefore(db: Database, notAfter: Date): Promise<number> {
  return deleteInBatches(db, 'platform_sessions', sql`expires_at <= ${notAfter}`);
}

/** How a session began; undefined when it has ended. */
export async function findSessionMethod(db: Db, sessionId: string): Promise<SessionMethod | undefined> {
  const row = await db
    .selectFrom('platform_sessions')
    .select('method')
    .where('id', '=', sessionId)
    .executeTakeFirst();
  return row?.method as SessionMethod | undefined;
}
