import { defaultEnvironment } from '../../domain/api-key.ts';
import { newAuditEvent } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { type Caller, originOf, type TenantPrincipal } from '../../domain/principal.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import {
  isEnvironmentInUse,
  deleteEnvironment as removeEnvironment,
} from '../../stores/postgres/environments.ts';
import { asTenant } from '../../stores/postgres/tenant-scope.ts';
import type { EnvironmentParts } from './create-environment.ts';

/**
 * Removes an environment of the caller's organization. `ENVIRONMENT_NOT_FOUND`; `ENVIRONMENT_IN_USE` for the default one and for one
 * with a key that has not ended. It is removed first and looked at afterwards: a mint holds the row until its key is there to be
 * seen, and one that comes later finds no environment.
 */
export async function deleteEnvironment(
  { db, clock, randomBytes }: EnvironmentParts,
  caller: Caller<TenantPrincipal>,
  id: string,
): Promise<void> {
  const { organizationId } = caller.principal;
  const now = clock.now();
  await asTenant(db, organizationId, async (tx) => {
    const removed = await removeEnvironment(tx, { id, organizationId });
    if (removed === undefined) throw new FlowplateError('ENVIRONMENT_NOT_FOUND');
    const { slug } = removed;
    if (slug === defaultEnvironment || (await isEnvironmentInUse(tx, slug, now))) {
      throw new FlowplateError('ENVIRONMENT_IN_USE', { details: { name: slug } });
    }
    const event = newAuditEvent({ now, randomBytes }, originOf(caller), {
      eventType: 'environment.deleted',
      organizationId,
      targetId: id,
      details: { slug },
    });
    await insertAuditEvents(tx, [event]);
  });
}
