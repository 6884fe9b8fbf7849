import type { Origin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import {
  type Caller,
  isPlatformCaller,
  type PlatformPrincipal,
  type Principal,
} from '../../domain/principal.ts';
import { isConfirmed } from '../../domain/session.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { findConfirmation } from '../../stores/postgres/sessions/sessions.ts';

/** `SESSION_NOT_FOUND` for a platform key, which has neither a session nor a password. */
export function requireOwnSession({ sessionId }: PlatformPrincipal): string {
  if (sessionId !== null) return sessionId;
  throw new FlowplateError('SESSION_NOT_FOUND', { systemMessage: 'A platform key has no session' });
}

/**
 * Step-up: `STEP_UP_REQUIRED` unless the caller's session began or was confirmed in the last ten
 * minutes. A stolen session alone must not make credentials that outlive it. Machines (platform
 * keys) and the server's own shell have no session, and pass with their rights alone.
 */
export async function requireConfirmed(tx: Tx, by: Caller<Principal> | Origin, now: Date): Promise<void> {
  if (!('principal' in by) || !isPlatformCaller(by.principal)) return;
  const { sessionId } = by.principal;
  if (sessionId === null) return;
  const confirmedAt = await findConfirmation(tx, sessionId);
  if (!isConfirmed(confirmedAt, now)) throw new FlowplateError('STEP_UP_REQUIRED');
}
