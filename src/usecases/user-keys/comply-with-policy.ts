import { FlowplateError } from '../../domain/errors.ts';
import { applyPolicy, noPolicy, type PolicyVersion } from '../../domain/organization-policy.ts';
import type { Key } from '../../domain/user-key.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findPolicy } from '../../stores/postgres/organizations/policies.ts';
import type { RememberedPolicies } from '../organizations/remembered-policies.ts';

type PolicyParts = { db: Db; policies: RememberedPolicies };

/** A key as the policy wants it. Its statement must find the organization at `policyVersion`. */
export type CompliantKey = { key: Key; policyVersion: string | null };

/**
 * Applies the policy of its organization to a new key. The remembered policy may allow, since the
 * mint's statement compares its version. It may not refuse: a refusal is decided from Postgres.
 * `VALIDATION_ERROR` naming the rules; `ORGANIZATION_SUSPENDED`.
 */
export async function complyWithPolicy(parts: PolicyParts, wanted: Key): Promise<CompliantKey> {
  const remembered = parts.policies.of(wanted.organizationId);
  try {
    return comply(remembered, wanted);
  } catch {
    return comply(await readPolicyAgain(parts, wanted.organizationId), wanted);
  }
}

async function readPolicyAgain(
  { db, policies }: PolicyParts,
  organizationId: string,
): Promise<PolicyVersion> {
  const found = await findPolicy(db, organizationId);
  if (found !== undefined && found.status !== 'active') throw new FlowplateError('ORGANIZATION_SUSPENDED');
  policies.remember(organizationId, found ?? noPolicy);
  return found ?? noPolicy;
}

function comply({ policy, version }: PolicyVersion, wanted: Key): CompliantKey {
  return { key: applyPolicy(policy, wanted, wanted.createdAt), policyVersion: version };
}
