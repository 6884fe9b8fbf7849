import { type Caller, type PlatformPrincipal, requireReach } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { lockOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { type ChangeParts, change } from '../change.ts';
import { presentOrganization } from './present-organization.ts';
import { setStatus } from './status-change.ts';

/**
 * Marks an organization as deleted. All its keys are then refused, because verification checks this
 * one row; nothing else is removed. `ORGANIZATION_NOT_FOUND` when there is none, or it is deleted
 * already.
 */
export async function deleteOrganization(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  id: string,
): Promise<Propagation> {
  requireReach(caller.principal, id);
  const { propagation } = await change(parts, { by: caller, ends: [id] }, async (tx, now) => {
    presentOrganization(await lockOrganization(tx, id));
    return { answer: {}, ...(await setStatus(tx, { id, status: 'deleted', now })) };
  });
  return propagation;
}
