import { newAuditEvent, type Origin } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { appendKeyChanges, findLastKeyChangeSeq } from '../../stores/postgres/key-changes.ts';
import {
  findOrganization,
  type OrganizationStatus,
  updateOrganizationStatus,
} from '../../stores/postgres/organizations.ts';
import type { Propagation, PropagationWatch } from '../../stores/postgres/propagation.ts';

/** Suspends, resumes or deletes an organization: one row, however many keys it has. `ORGANIZATION_NOT_FOUND` when there is none. */
export async function setOrganizationStatus(
  parts: { db: Database; clock: Clock; randomBytes: RandomBytes; propagation: PropagationWatch },
  origin: Origin,
  change: { organizationId: string; status: OrganizationStatus },
): Promise<Propagation> {
  const now = parts.clock.now();
  const { organizationId: id, status } = change;
  const changeSeq = await parts.db.transaction().execute(async (tx) => {
    const revision = await updateOrganizationStatus(tx, { id, status, now });
    if (revision === undefined) {
      if ((await findOrganization(tx, id)) === undefined) throw new FlowplateError('ORGANIZATION_NOT_FOUND');
      return findLastKeyChangeSeq(tx);
    }
    const event = newAuditEvent({ now, randomBytes: parts.randomBytes }, origin, {
      eventType: 'organization.status_changed',
      organizationId: id,
      targetId: id,
      details: { status },
    });
    await insertAuditEvents(tx, [event]);
    return appendKeyChanges(tx, [{ kind: 'organization', subjectId: id, revision, status }]);
  });
  return parts.propagation.wait(changeSeq);
}
