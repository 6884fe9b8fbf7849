import { revokesNothing } from '../../domain/key-change.ts';
import type { Organization } from '../../domain/organization.ts';
import { type Caller, type PlatformPrincipal, requireReach } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  lockOrganization,
  updateOrganizationName,
} from '../../stores/postgres/organizations/organizations.ts';
import { type ChangeParts, change, type EventDraft } from '../change.ts';
import { presentOrganization } from './present-organization.ts';
import { setStatus } from './status-change.ts';

export type OrganizationChanges = {
  name?: string | undefined;
  status?: Exclude<Organization['status'], 'deleted'> | undefined;
};

/**
 * Renames, suspends or resumes an organization, in one transaction. `ORGANIZATION_NOT_FOUND` when
 * there is none, or it is deleted.
 */
export async function updateOrganization(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  id: string,
  { name, status }: OrganizationChanges,
): Promise<{ tenant: Organization; propagation: Propagation }> {
  requireReach(caller.principal, id);
  const options = { by: caller, ends: status === undefined ? [] : [id] };
  const { answer, propagation } = await change<{ tenant: Organization }>(parts, options, async (tx, now) => {
    const before = presentOrganization(await lockOrganization(tx, id));
    const renamed = await rename(tx, before, name ?? before.name, now);
    const { events, revokes } =
      status === undefined
        ? { events: [], revokes: revokesNothing }
        : await setStatus(tx, { id, status, now });
    const tenant = { ...before, name: name ?? before.name, status: status ?? before.status };
    return { answer: { tenant }, events: [...renamed, ...events], revokes };
  });
  return { ...answer, propagation };
}

async function rename(tx: Tx, before: Organization, name: string, now: Date): Promise<EventDraft[]> {
  const { id, name: previous_name } = before;
  if (name === previous_name) return [];
  await updateOrganizationName(tx, { id, name, now });
  const details = { name, previous_name };
  return [{ eventType: 'organization.updated', organizationId: id, targetId: id, details }];
}
