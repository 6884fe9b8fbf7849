import { defaultEnvironment } from '../../domain/api-key.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, OrganizationPrincipal } from '../../domain/principal.ts';
import {
  isEnvironmentInUse,
  deleteEnvironment as removeEnvironment,
} from '../../stores/postgres/organizations/environments.ts';
import { type ChangeParts, change } from '../change.ts';

/**
 * Deletes an environment of the caller's organization. `ENVIRONMENT_NOT_FOUND`;
 * `ENVIRONMENT_IN_USE` for the default one and for one with a key that has not ended. Deletes first
 * and checks afterwards: a mint locks the row until its key is visible, and a later mint finds no
 * environment.
 */
export async function deleteEnvironment(
  parts: ChangeParts,
  caller: Caller<OrganizationPrincipal>,
  id: string,
): Promise<void> {
  const { organizationId } = caller.principal;
  await change(parts, { by: caller, inside: organizationId }, async (tx, now) => {
    const removed = await removeEnvironment(tx, { id, organizationId });
    if (removed === undefined) throw new FlowplateError('ENVIRONMENT_NOT_FOUND');
    const { slug } = removed;
    if (slug === defaultEnvironment || (await isEnvironmentInUse(tx, slug, now))) {
      throw new FlowplateError('ENVIRONMENT_IN_USE', { details: { name: slug } });
    }
    return {
      answer: {},
      events: [{ eventType: 'environment.deleted', organizationId, targetId: id, details: { slug } }],
      revokes: revokesNothing,
    };
  });
}
