import { sql } from 'kysely';
import type { LoginSubject } from '../../../domain/login-throttle.ts';
import type { Database, Db } from '../database.ts';
import { deleteInBatches } from '../delete-in-batches.ts';

/** End of the delay for these subjects, or undefined. */
export async function findLoginBlock(
  db: Db,
  subjects: readonly LoginSubject[],
  now: Date,
): Promise<Date | undefined> {
  const row = await db
    .selectFrom('login_failures')
    .select((expression) => expression.fn.max('blocked_until').as('until'))
    .where('subject', '=', sql<Buffer>`any(${subjects.map(({ id }) => id)}::bytea[])`)
    .where('blocked_until', '>', now)
    .executeTakeFirst();
  return row?.until ?? undefined;
}

/**
 * Adds a failure for each subject. The delay doubles with every failure beyond the free ones. Rows
 * are sorted, so that two logins cannot deadlock.
 */
export async function addLoginFailure(db: Db, subjects: readonly LoginSubject[], now: Date): Promise<void> {
  const sorted = [...subjects].sort((one, other) => Buffer.compare(one.id, other.id));
  for (const { id, limits } of sorted) {
    const forgottenBefore = new Date(now.getTime() - limits.lifeMs);
    await sql`
      INSERT INTO login_failures AS known (subject, failures, last_failed_at) VALUES (${id}, 1, ${now})
      ON CONFLICT (subject) DO UPDATE SET
        failures = CASE WHEN known.last_failed_at < ${forgottenBefore} THEN 1 ELSE known.failures + 1 END,
        last_failed_at = ${now},
        blocked_until = CASE
          WHEN known.last_failed_at < ${forgottenBefore} OR known.failures < ${limits.free} THEN NULL
          ELSE ${now}::timestamptz + make_interval(secs =>
            least(${limits.delaySecondsMax}::float8, 2 ^ least(known.failures - ${limits.free}::integer, 20)))
        END`.execute(db);
  }
}

/** Forgets the failures of these, after a success. */
export async function clearLoginFailures(db: Db, subjects: readonly LoginSubject[]): Promise<void> {
  await db
    .deleteFrom('login_failures')
    .where('subject', '=', sql<Buffer>`any(${subjects.map(({ id }) => id)}::bytea[])`)
    .execute();
}

export async function deleteLoginFailuresBefore(db: Database, notAfter: Date): Promise<number> {
  return deleteInBatches(db, 'login_failures', sql`last_failed_at <= ${notAfter}`);
}
