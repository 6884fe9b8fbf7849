import type { Revokes } from '../../domain/key-change.ts';
import type { OrganizationStatus } from '../../domain/organization.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { updateOrganizationStatus } from '../../stores/postgres/organizations/organizations.ts';
import type { EventDraft } from '../change.ts';

/** Sets the status of an organization: one row and one feed entry, however many keys it has. */
export async function setStatus(
  tx: Tx,
  change: { id: string; status: OrganizationStatus; now: Date },
): Promise<{ events: EventDraft[]; revokes: Revokes }> {
  const { id, status } = change;
  const audience = { places: [{ organizationId: id, environment: null }] };
  const revision = await updateOrganizationStatus(tx, change);
  if (revision === undefined) return { events: [], revokes: { alreadyTold: true, audience } };
  return {
    events: [
      { eventType: 'organization.status_changed', organizationId: id, targetId: id, details: { status } },
    ],
    revokes: { changes: [{ kind: 'organization', subjectId: id, revision, status }], audience },
  };
}
