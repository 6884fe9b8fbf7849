import type { Propagated } from '../api-types.ts';
import type { CallOptions } from '../client.ts';
import type {
  Deleted,
  Page,
  PageOf,
  ShownTenant,
  Tenant,
  TenantChanges,
  TenantFilter,
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
}

function tenantPath(id: string): string {
  return `${tenantsPath}/${encodeURIComponent(id)}`;
}
