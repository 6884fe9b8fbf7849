import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import type { Organization } from '../../domain/organization.ts';
import { type Caller, type OperatorPrincipal, originOf } from '../../domain/principal.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { ensureOrganization } from '../organizations/ensure-organization.ts';

/** Makes a new organization with its `default` environment. Two of them may have the same name. */
export async function provisionTenant(
  parts: { db: Database; clock: Clock; randomBytes: RandomBytes },
  caller: Caller<OperatorPrincipal>,
  { name }: { name: string },
): Promise<Organization> {
  const { randomBytes } = parts;
  const now = parts.clock.now();
  const id = newId('organization', now, randomBytes);
  await parts.db
    .transaction()
    .execute((tx) =>
      ensureOrganization({ now, randomBytes }, tx, originOf(caller), { id, name, environments: [] }),
    );
  return { id, name, status: 'active', createdAt: now };
}
