import { newAuditEvent } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { type Caller, type OperatorPrincipal, originOf } from '../../domain/principal.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { findOrganization } from '../../stores/postgres/organizations.ts';

/**
 * An operator begins a request inside an organization: it must exist, and that it was entered is written down before anything else
 * happens, so that no answer was seen without a trace. `ORGANIZATION_NOT_FOUND` when there is none.
 */
export async function enterTenant(
  parts: { db: Database; clock: Clock; randomBytes: RandomBytes },
  caller: Caller<OperatorPrincipal>,
  request: { organizationId: string; reason: string | null; method: string; path: string },
): Promise<void> {
  const { organizationId, ...details } = request;
  const organization = await findOrganization(parts.db, organizationId);
  if (organization === undefined || organization.status === 'deleted') {
    throw new FlowplateError('ORGANIZATION_NOT_FOUND');
  }
  const at = { now: parts.clock.now(), randomBytes: parts.randomBytes };
  const event = newAuditEvent(
    at,
    { ...originOf(caller), onBehalfOf: organizationId },
    { eventType: 'platform.impersonated', organizationId, targetId: organizationId, details },
  );
  await parts.db.transaction().execute((tx) => insertAuditEvents(tx, [event]));
}
