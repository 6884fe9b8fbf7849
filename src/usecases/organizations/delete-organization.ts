import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { lockOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { type ChangeParts, change } from '../change.ts';
import { presentOrganization } from './present-organization.ts';
import { setStatus } from './status-change.ts';

/**
 * Marks an organization as deleted: all its keys are refused from then on, however many there are,
 * since verification asks for its one row. Nothing else of it is removed. `ORGANIZATION_NOT_FOUND`
 * when there is none, or it was deleted before.
 */
export async function deleteOrganization(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  id: string,
): Promise<Propagation> {
  const { propagation } = await change(parts, { by: caller, ends: [id] }, async (tx, now) => {
    presentOrganization(await lockOrganization(tx, id));
    return { answer: {}, ...(await setStatus(tx, { id, status: 'deleted', now })) };
  });
  return propagation;
}
