import { newAuditEvent } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { newId } from '../../domain/ids.ts';
import type { Environment } from '../../domain/organization.ts';
import { type Caller, originOf, type TenantPrincipal } from '../../domain/principal.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { insertEnvironment } from '../../stores/postgres/environments.ts';
import { asTenant } from '../../stores/postgres/tenant-scope.ts';

export type EnvironmentParts = { db: Database; clock: Clock; randomBytes: RandomBytes };

/** Adds an environment to the caller's organization. `ENVIRONMENT_ALREADY_EXISTS` when it has one of that name. */
export async function createEnvironment(
  { db, clock, randomBytes }: EnvironmentParts,
  caller: Caller<TenantPrincipal>,
  slug: string,
): Promise<Environment> {
  const { organizationId } = caller.principal;
  const now = clock.now();
  const id = newId('environment', now, randomBytes);
  await asTenant(db, organizationId, async (tx) => {
    if (!(await insertEnvironment(tx, { id, organizationId, slug, now }))) {
      throw new FlowplateError('ENVIRONMENT_ALREADY_EXISTS');
    }
    const event = newAuditEvent({ now, randomBytes }, originOf(caller), {
      eventType: 'environment.created',
      organizationId,
      targetId: id,
      details: { slug },
    });
    await insertAuditEvents(tx, [event]);
  });
  return { id, slug, createdAt: now };
}
