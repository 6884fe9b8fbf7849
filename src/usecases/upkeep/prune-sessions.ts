import { knownPlaceLifeMs } from '../../domain/known-place.ts';
import { failureLifeMsMax } from '../../domain/login-throttle.ts';
import { signingKeyLifeMs } from '../../domain/session.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { deletePasskeyChallengesExpiredBefore } from '../../stores/postgres/second-factors/passkey-challenges.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { deleteDeviceLoginsExpiredBefore } from '../../stores/postgres/sessions/device-logins.ts';
import { deleteFinishedSignInsBefore } from '../../stores/postgres/sessions/finished-sign-ins.ts';
import { deleteKnownPlacesBefore } from '../../stores/postgres/sessions/known-places.ts';
import { deleteLoginFailuresBefore } from '../../stores/postgres/sessions/login-failures.ts';
import { deleteSessionsExpiredBefore } from '../../stores/postgres/sessions/sessions.ts';
import { deleteSigningKeysBefore } from '../../stores/postgres/sessions/signing-keys.ts';

/**
 * Drops sessions past their day, sign-ins and device log-ins that are over, failed logins and known
 * places that are forgotten, challenges of passkeys past their five minutes, and signing keys whose
 * last token has expired.
 */
export async function pruneSessions(parts: { db: Database }): Promise<number> {
  const now = (await readServerTime(parts.db)).getTime();
  const sessions = await deleteSessionsExpiredBefore(parts.db, new Date(now));
  const failures = await deleteLoginFailuresBefore(parts.db, new Date(now - failureLifeMsMax));
  const places = await deleteKnownPlacesBefore(parts.db, new Date(now - knownPlaceLifeMs));
  const signIns = await deleteFinishedSignInsBefore(parts.db, new Date(now));
  const devices = await deleteDeviceLoginsExpiredBefore(parts.db, new Date(now));
  const keys = await deleteSigningKeysBefore(parts.db, new Date(now - signingKeyLifeMs));
  const challenges = await deletePasskeyChallengesExpiredBefore(parts.db, new Date(now));
  return sessions + failures + places + signIns + devices + keys + challenges;
}
