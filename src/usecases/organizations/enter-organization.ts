import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { type Caller, originOf, type PlatformPrincipal } from '../../domain/principal.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { type ChangeParts, commitChange } from '../change.ts';

/**
 * Starts an impersonation: the organization must exist, and the entry is audited first, so that no
 * answer is read without a trace. `ORGANIZATION_NOT_FOUND` when there is none.
 */
export async function enterOrganization(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  request: { organizationId: string; reason: string | null; method: string; path: string },
): Promise<void> {
  const { organizationId, ...details } = request;
  const organization = await findOrganization(parts.db, organizationId);
  if (organization === undefined || organization.status === 'deleted') {
    throw new FlowplateError('ORGANIZATION_NOT_FOUND');
  }
  await commitChange(parts, { by: { ...originOf(caller), onBehalfOf: organizationId } }, async () => ({
    answer: {},
    events: [{ eventType: 'platform.impersonated', organizationId, targetId: organizationId, details }],
    revokes: revokesNothing,
  }));
}
