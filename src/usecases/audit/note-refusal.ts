import { newAuditEvent } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import { type Caller, organizationOf, originOf, type Principal } from '../../domain/principal.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database } from '../../stores/postgres/database.ts';

/** Writes down that a known caller was refused an operation: somebody tries what they may not, or a role is too narrow. */
export async function noteRefusal(
  parts: { db: Database; clock: Clock; randomBytes: RandomBytes },
  refusal: { caller: Caller<Principal>; operationId: string; code: ErrorCode },
): Promise<void> {
  const { caller, operationId, code } = refusal;
  const at = { now: parts.clock.now(), randomBytes: parts.randomBytes };
  const event = newAuditEvent(at, originOf(caller), {
    eventType: 'platform.access.refused',
    organizationId: organizationOf(caller.principal),
    targetId: operationId,
    result: 'refused',
    details: { code },
  });
  await parts.db.transaction().execute((tx) => insertAuditEvents(tx, [event]));
}
