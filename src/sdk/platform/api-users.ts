import type { CallOptions, RevokeOptions, SecretOptions } from '../client.ts';
import type {
  ApiUser,
  ApiUserChanges,
  CreatedApiUser,
  DeletedApiUser,
  NewApiUser,
  Page,
  PageOf,
  RotatedApiUserKey,
  UpdatedApiUser,
} from '../operator-types.ts';
import type { Requests } from './requests.ts';

const apiUsersPath = '/users';

/** API users: persons and programs with one key each. Needs an API user with the role `admin`. */
export class ApiUsers {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Creates the first one, an `admin`. Needs a super-admin, and works only while there is none. */
  bootstrap(body: Omit<NewApiUser, 'role'>, options: SecretOptions = {}): Promise<CreatedApiUser> {
    return this.#requests.forSecret(`${apiUsersPath}/bootstrap`, body, options);
  }

  list(page: PageOf = {}, options?: CallOptions): Promise<Page<ApiUser>> {
    return this.#requests.readArray(apiUsersPath, page, options);
  }

  get(id: string, options?: CallOptions): Promise<ApiUser> {
    return this.#requests.read(apiUserPath(id), {}, options);
  }

  create(body: NewApiUser, options: SecretOptions = {}): Promise<CreatedApiUser> {
    return this.#requests.forSecret(apiUsersPath, body, options);
  }

  update(id: string, body: ApiUserChanges, options?: CallOptions): Promise<UpdatedApiUser> {
    return this.#requests.change({ method: 'PATCH', path: apiUserPath(id), body }, options);
  }

  delete(id: string, { reason, ...options }: RevokeOptions = {}): Promise<DeletedApiUser> {
    return this.#requests.change({ method: 'DELETE', path: apiUserPath(id), query: { reason } }, options);
  }

  rotateKey(id: string, options: SecretOptions = {}): Promise<RotatedApiUserKey> {
    return this.#requests.forSecret(`${apiUserPath(id)}/rotate-key`, {}, options);
  }
}

function apiUserPath(id: string): string {
  return `${apiUsersPath}/${encodeURIComponent(id)}`;
}
