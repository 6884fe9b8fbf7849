import { newAuditEvent } from '../../domain/audit-event.ts';
import type { Organization } from '../../domain/organization.ts';
import { type Caller, type OperatorPrincipal, originOf } from '../../domain/principal.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import { lockOrganization, updateOrganizationName } from '../../stores/postgres/organizations.ts';
import type { Propagation } from '../../stores/postgres/propagation.ts';
import { type StatusParts, setStatusInTx } from '../organizations/status-change.ts';
import { presentTenant } from './present-tenant.ts';

export type TenantChanges = {
  name?: string | undefined;
  status?: Exclude<Organization['status'], 'deleted'> | undefined;
};

/** Renames, suspends or resumes an organization, in one transaction. `ORGANIZATION_NOT_FOUND` when there is none, or it was deleted. */
export async function updateTenant(
  parts: StatusParts,
  caller: Caller<OperatorPrincipal>,
  id: string,
  changes: TenantChanges,
): Promise<{ tenant: Organization; propagation: Propagation }> {
  const now = parts.clock.now();
  const origin = originOf(caller);
  const { name, status } = changes;
  const { tenant, changeSeq } = await parts.db.transaction().execute(async (tx) => {
    const before = presentTenant(await lockOrganization(tx, id));
    const after = { ...before, name: name ?? before.name, status: status ?? before.status };
    if (after.name !== before.name) {
      await updateOrganizationName(tx, { id, name: after.name, now });
      const event = newAuditEvent({ now, randomBytes: parts.randomBytes }, origin, {
        eventType: 'organization.updated',
        organizationId: id,
        targetId: id,
        details: { name: after.name, previous_name: before.name },
      });
      await insertAuditEvents(tx, [event]);
    }
    const seq =
      status === undefined ? undefined : await setStatusInTx(parts, tx, origin, { id, status, now });
    return { tenant: after, changeSeq: seq };
  });
  return { tenant, propagation: await parts.propagation.wait(changeSeq) };
}
