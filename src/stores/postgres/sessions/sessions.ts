import { sql } from 'kysely';
import type { Clock } from '../../../domain/clock.ts';
import type { PlatformPermission } from '../../../domain/permission.ts';
import type { SessionOrigin } from '../../../domain/session.ts';
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

/** Ends all sessions of a user. */
export async function deleteSessionsOf(tx: Tx, userId: string, exceptId?: string): Promise<void> {
  let query = tx.deleteFrom('platform_sessions').where('user_id', '=', userId);
  if (exceptId !== undefined) query = query.where('id', '<>', exceptId);
  await query.execute();
}

export async function deleteSessionsExpiredBefore(db: Database, notAfter: Date): Promise<number> {
  return deleteInBatches(db, 'platform_sessions', sql`expires_at <= ${notAfter}`);
}
