import { platformOrganizationId } from '../../domain/api-key.ts';
import type { Origin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { OrganizationStatus } from '../../domain/organization.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { type ChangeParts, change } from '../change.ts';
import { setStatus } from './status-change.ts';

/**
 * Suspends, resumes or deletes an organization: one row, however many keys it has. From the shell a
 * deleted one can be resumed. `ORGANIZATION_NOT_FOUND` when there is none, and for the platform's
 * own, which cannot be stopped.
 */
export async function setOrganizationStatus(
  parts: ChangeParts,
  by: Origin,
  { organizationId: id, status }: { organizationId: string; status: OrganizationStatus },
): Promise<Propagation> {
  const { propagation } = await change(parts, { by, ends: [id] }, async (tx, now) => {
    if (id === platformOrganizationId || (await findOrganization(tx, id)) === undefined) {
      throw new FlowplateError('ORGANIZATION_NOT_FOUND');
    }
    return { answer: {}, ...(await setStatus(tx, { id, status, now })) };
  });
  return propagation;
}
