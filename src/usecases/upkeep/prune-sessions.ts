import { failureLifeMs } from '../../domain/login-throttle.ts';
import { signingKeyLifeMs } from '../../domain/session.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { deleteLoginFailuresBefore } from '../../stores/postgres/login-failures.ts';
import { deleteSessionsExpiredBefore } from '../../stores/postgres/platform-sessions.ts';
import { readServerTime } from '../../stores/postgres/server-clock.ts';
import { deleteSigningKeysBefore } from '../../stores/postgres/signing-keys.ts';

/** Drops sessions past their day, failed logins that are forgotten, and signing keys whose last token has expired. */
export async function pruneSessions(parts: { db: Database }): Promise<number> {
  const now = (await readServerTime(parts.db)).getTime();
  const sessions = await deleteSessionsExpiredBefore(parts.db, new Date(now));
  const failures = await deleteLoginFailuresBefore(parts.db, new Date(now - failureLifeMs));
  const keys = await deleteSigningKeysBefore(parts.db, new Date(now - signingKeyLifeMs));
  return sessions + failures + keys;
}
