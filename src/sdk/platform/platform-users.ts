import type { CallOptions } from '../client.ts';
import type {
  Deleted,
  Done,
  NewPlatformUser,
  Page,
  PageOf,
  PlatformUser,
  PlatformUserChanges,
  PlatformUserFilter,
  ResetSecondFactors,
} from '../operator-types.ts';
import type { Requests } from './requests.ts';

const usersPath = '/api/v1/platform/users';

/** Operators with a password. */
export class PlatformUsers {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(filter: PlatformUserFilter & PageOf = {}, options?: CallOptions): Promise<Page<PlatformUser>> {
    return this.#requests.readArray(usersPath, filter, options);
  }

  get(id: string, options?: CallOptions): Promise<PlatformUser> {
    return this.#requests.read(userPath(id), {}, options);
  }

  create(body: NewPlatformUser, options?: CallOptions): Promise<PlatformUser> {
    return this.#requests.change({ method: 'POST', path: usersPath, body }, options);
  }

  update(id: string, body: PlatformUserChanges, options?: CallOptions): Promise<PlatformUser> {
    return this.#requests.change({ method: 'PUT', path: userPath(id), body }, options);
  }

  delete(id: string, options?: CallOptions): Promise<Deleted> {
    return this.#requests.change({ method: 'DELETE', path: userPath(id) }, options);
  }

  resetPassword(id: string, body: { password: string }, options?: CallOptions): Promise<Done> {
    return this.#requests.change({ method: 'POST', path: `${userPath(id)}/reset-password`, body }, options);
  }

  /** For a user who has lost them. Ends their sessions; the password alone lets them in again. */
  resetSecondFactors(id: string, options?: CallOptions): Promise<ResetSecondFactors> {
    return this.#requests.change({ method: 'DELETE', path: `${userPath(id)}/second-factors` }, options);
  }
}

function userPath(id: string): string {
  return `${usersPath}/${encodeURIComponent(id)}`;
}
