import { noPolicy, type PolicyVersion } from '../../domain/organization-policy.ts';

/** About 5 MB of policies. One more makes room for itself by forgetting the oldest. */
const policiesMax = 10_000;

/**
 * Fixed-size FIFO cache of policies by organization. It spares a mint the round trip that would
 * read its policy. An entry may be old: the mint's statement compares the version, and a refusal
 * is decided from Postgres. An organization without a policy takes no entry.
 */
export class RememberedPolicies {
  readonly #policies = new Map<string, PolicyVersion>();

  of(organizationId: string): PolicyVersion {
    return this.#policies.get(organizationId) ?? noPolicy;
  }

  remember(organizationId: string, { policy, version }: PolicyVersion): void {
    this.#policies.delete(organizationId);
    if (policy === null) return;
    const [oldest] = this.#policies.size >= policiesMax ? this.#policies.keys() : [];
    if (oldest !== undefined) this.#policies.delete(oldest);
    this.#policies.set(organizationId, { policy, version });
  }
}
