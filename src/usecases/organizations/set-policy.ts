import { revokesNothing } from '../../domain/key-change.ts';
import type { PolicyVersion } from '../../domain/organization-policy.ts';
import { type Caller, type PlatformPrincipal, requireReach } from '../../domain/principal.ts';
import { lockOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { findPolicy, writePolicy } from '../../stores/postgres/organizations/policies.ts';
import { type ChangeParts, change } from '../change.ts';
import { presentOrganization } from './present-organization.ts';

/**
 * Replaces the policy of an organization; `noPolicy` takes it away. It holds for each mint, refresh
 * and patch that begins after the answer, in every process. Keys that break it go on until then.
 * The audit event has the document before and after. `ORGANIZATION_NOT_FOUND` also when deleted.
 */
export async function setPolicy(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  id: string,
  { policy, version }: PolicyVersion,
): Promise<PolicyVersion> {
  requireReach(caller.principal, id);
  await change(parts, { by: caller }, async (tx, now) => {
    presentOrganization(await lockOrganization(tx, id));
    const before = await findPolicy(tx, id);
    if (before?.version === version) return { answer: {}, events: [], revokes: revokesNothing };
    await writePolicy(tx, { organizationId: id, policy, version, now });
    const details = { before: before?.policy ?? null, after: policy };
    return {
      answer: {},
      events: [{ eventType: 'organization.policy_changed', organizationId: id, targetId: id, details }],
      revokes: revokesNothing,
    };
  });
  return { policy, version };
}
