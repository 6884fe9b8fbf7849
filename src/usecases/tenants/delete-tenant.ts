import { type Caller, type OperatorPrincipal, originOf } from '../../domain/principal.ts';
import { lockOrganization } from '../../stores/postgres/organizations.ts';
import type { Propagation } from '../../stores/postgres/propagation.ts';
import { type StatusParts, setStatusInTx } from '../organizations/status-change.ts';
import { presentTenant } from './present-tenant.ts';

/**
 * Marks an organization as deleted: all its keys are refused from then on, however many there are, since verification asks for its
 * one row. Nothing else of it is removed. `ORGANIZATION_NOT_FOUND` when there is none, or it was deleted before.
 */
export async function deleteTenant(
  parts: StatusParts,
  caller: Caller<OperatorPrincipal>,
  id: string,
): Promise<Propagation> {
  const changeSeq = await parts.db.transaction().execute(async (tx) => {
    presentTenant(await lockOrganization(tx, id));
    const change = { id, status: 'deleted' as const, now: parts.clock.now() };
    return setStatusInTx(parts, tx, originOf(caller), change);
  });
  return parts.propagation.wait(changeSeq);
}
