import { newAuditEvent } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { type Caller, type OperatorPrincipal, originOf } from '../../domain/principal.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { deleteSession } from '../../stores/postgres/platform-sessions.ts';

/** Ends the session of the token that the caller came with. A platform key has none, and nothing happens. */
export async function logOut(
  parts: { db: Database; clock: Clock; randomBytes: RandomBytes },
  caller: Caller<OperatorPrincipal>,
): Promise<void> {
  const { sessionId, id } = caller.principal;
  if (sessionId === null) return;
  const at = { now: parts.clock.now(), randomBytes: parts.randomBytes };
  const event = newAuditEvent(at, originOf(caller), {
    eventType: 'platform.logout',
    organizationId: null,
    targetId: id,
    details: { session_id: sessionId },
  });
  await parts.db.transaction().execute(async (tx) => {
    if (await deleteSession(tx, sessionId)) await insertAuditEvents(tx, [event]);
  });
}
