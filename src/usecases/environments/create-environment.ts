import { FlowplateError } from '../../domain/errors.ts';
import { newId } from '../../domain/ids.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Environment } from '../../domain/organization.ts';
import type { Caller, OrganizationPrincipal } from '../../domain/principal.ts';
import { insertEnvironment } from '../../stores/postgres/organizations/environments.ts';
import { type ChangeParts, change } from '../change.ts';

/**
 * Adds an environment to the caller's organization. `ENVIRONMENT_ALREADY_EXISTS` when the name is
 * taken.
 */
export async function createEnvironment(
  parts: ChangeParts,
  caller: Caller<OrganizationPrincipal>,
  slug: string,
): Promise<Environment> {
  const { organizationId } = caller.principal;
  const options = { by: caller, inside: organizationId };
  const { answer } = await change<Environment>(parts, options, async (tx, now) => {
    const id = newId('environment', now, parts.randomBytes);
    if (!(await insertEnvironment(tx, { id, organizationId, slug, now }))) {
      throw new FlowplateError('ENVIRONMENT_ALREADY_EXISTS');
    }
    return {
      answer: { id, slug, createdAt: now },
      events: [{ eventType: 'environment.created', organizationId, targetId: id, details: { slug } }],
      revokes: revokesNothing,
    };
  });
  return answer;
}
