import { randomUUID } from 'node:crypto';
import type { AppliedChange } from '../../domain/key-change.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { findLastKeyChangeSeq, listKeyChangesSince } from '../../stores/postgres/key-changes.ts';
import { listRefusedOrganizations } from '../../stores/postgres/organizations.ts';
import { upsertVerifier } from '../../stores/postgres/verifiers.ts';
import { isOrganizationVisible, visibleChanges } from './visible-changes.ts';

export type RegisterParts = { db: Database; leaseMs: number };

export type Registered = {
  verifierId: string;
  appliedSeq: number;
  refusedOrganizations: string[];
  recent: AppliedChange[];
};

/**
 * Registers a verifier that is embedded in a gateway, with its first lease, and hands it what it must know before it may use a cache:
 * the refused organizations and the changes of the last `memoryMs`. The row is committed first and the rest read afterwards: the
 * other way round, a change in between would be waited for by nobody (verify/lease.ts).
 */
export async function registerVerifier(
  parts: RegisterParts,
  principal: MasterKeyPrincipal,
  memoryMs: number,
): Promise<Registered> {
  const { db, leaseMs } = parts;
  const id = randomUUID();
  const appliedSeq = await findLastKeyChangeSeq(db);
  await upsertVerifier(db, { id, appliedSeq, leaseMs, masterKeyId: principal.id });
  const refused = await listRefusedOrganizations(db);
  const recent = await listKeyChangesSince(db, memoryMs);
  return {
    verifierId: id,
    appliedSeq,
    refusedOrganizations: refused.filter((organizationId) =>
      isOrganizationVisible(principal, organizationId),
    ),
    // What organizations were in between is over: the list above says how they are now.
    recent: visibleChanges(
      principal,
      recent.filter((change) => change.kind !== 'organization'),
    ),
  };
}
