import type { Propagated } from '../api-types.ts';
import type { CallOptions } from '../client.ts';
import type {
  Deleted,
  Page,
  PageOf,
  PolicyReport,
  PolicyReportRequest,
  ShownPolicy,
  ShownTenant,
  Tenant,
  TenantChanges,
  TenantFilter,
  TenantPolicy,
} from '../operator-types.ts';
import type { Requests } from './requests.ts';

const tenantsPath = '/api/v1/platform/tenants';

/** Organizations. Suspending or deleting one refuses all its keys at once. */
export class Tenants {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(filter: TenantFilter & PageOf = {}, options?: CallOptions): Promise<Page<Tenant>> {
    return this.#requests.readArray(tenantsPath, filter, options);
  }

  get(id: string, options?: CallOptions): Promise<ShownTenant> {
    return this.#requests.read(tenantPath(id), {}, options);
  }

  provision(body: { name: string }, options?: CallOptions): Promise<Tenant> {
    return this.#requests.change({ method: 'POST', path: tenantsPath, body }, options);
  }

  /** Renames, suspends or resumes it. */
  update(id: string, body: TenantChanges, options?: CallOptions): Promise<Tenant & Propagated> {
    return this.#requests.change({ method: 'PATCH', path: tenantPath(id), body }, options);
  }

  delete(id: string, options?: CallOptions): Promise<Deleted & Propagated> {
    return this.#requests.change({ method: 'DELETE', path: tenantPath(id) }, options);
  }

  /** The policy for its user keys. */
  policy(id: string, options?: CallOptions): Promise<ShownPolicy> {
    return this.#requests.read(policyPath(id), {}, options);
  }

  /** The policy of the organization of a tenant key, or of `asOrganization`. */
  ownPolicy(options?: CallOptions): Promise<ShownPolicy> {
    return this.#requests.read('/api/v1/policy', {}, options);
  }

  /** Replaces the whole document. */
  setPolicy(id: string, body: TenantPolicy, options?: CallOptions): Promise<ShownPolicy> {
    return this.#requests.change({ method: 'PUT', path: policyPath(id), body }, options);
  }

  clearPolicy(id: string, options?: CallOptions): Promise<ShownPolicy> {
    return this.#requests.change({ method: 'DELETE', path: policyPath(id) }, options);
  }

  /**
   * A page of the active keys that break the policy, or would break the one in `body`. Add up the
   * counts of all pages.
   */
  reportOnPolicy(id: string, body: PolicyReportRequest = {}, options?: CallOptions): Promise<PolicyReport> {
    return this.#requests.change({ method: 'POST', path: `${policyPath(id)}/report`, body }, options);
  }
}

function tenantPath(id: string): string {
  return `${tenantsPath}/${encodeURIComponent(id)}`;
}

function policyPath(id: string): string {
  return `${tenantPath(id)}/policy`;
}
