import type { CallOptions } from '../client.ts';
import type { Done, Login, Me, PlatformUser } from '../operator-types.ts';
import type { Requests } from './requests.ts';

const authPath = '/api/v1/platform/auth';

/** Becoming somebody, and who one is. */
export class Session {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /**
   * The first platform user; only with a tenant key, and only while there is none
   * (`ALREADY_BOOTSTRAPPED`).
   */
  bootstrap(
    body: { email: string; password: string; name: string },
    options?: CallOptions,
  ): Promise<PlatformUser> {
    return this.#requests.change({ method: 'POST', path: '/api/v1/platform/bootstrap', body }, options);
  }

  /**
   * `INVALID_CREDENTIALS` (401) whatever was wrong; `TOO_MANY_ATTEMPTS` (429) with
   * `retryAfterSeconds`.
   */
  login(body: { email: string; password: string }, options?: CallOptions): Promise<Login> {
    return this.#requests.change({ method: 'POST', path: `${authPath}/login`, body }, options);
  }

  logout(options?: CallOptions): Promise<Done> {
    return this.#requests.change({ method: 'POST', path: `${authPath}/logout` }, options);
  }

  me(options?: CallOptions): Promise<Me> {
    return this.#requests.read(`${authPath}/me`, {}, options);
  }

  /** Ends every token of this user. */
  changePassword(
    body: { current_password: string; new_password: string },
    options?: CallOptions,
  ): Promise<Done> {
    return this.#requests.change({ method: 'POST', path: `${authPath}/change-password`, body }, options);
  }
}
