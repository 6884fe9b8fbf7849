import type { CallOptions } from '../client.ts';
import type { Changed, Deleted, Role, RoleRequest } from '../operator-types.ts';
import type { Requests } from './requests.ts';

const rolesPath = '/api/v1/platform/roles';

/** Named lists of permissions: built-in ones, which are fixed, and custom ones. */
export class Roles {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** All roles. */
  list(options?: CallOptions): Promise<Role[]> {
    return this.#requests.read(rolesPath, {}, options);
  }

  create(body: RoleRequest, options?: CallOptions): Promise<Role> {
    return this.#requests.change({ method: 'POST', path: rolesPath, body }, options);
  }

  update(id: string, body: Changed<RoleRequest>, options?: CallOptions): Promise<Role> {
    return this.#requests.change({ method: 'PUT', path: rolePath(id), body }, options);
  }

  delete(id: string, options?: CallOptions): Promise<Deleted> {
    return this.#requests.change({ method: 'DELETE', path: rolePath(id) }, options);
  }
}

function rolePath(id: string): string {
  return `${rolesPath}/${encodeURIComponent(id)}`;
}
