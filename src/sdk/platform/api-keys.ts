import type { KeyUsage, Propagated, UsageRange } from '../api-types.ts';
import type { CallOptions, RevokeOptions, SecretOptions } from '../client.ts';
import type {
  ApiKey,
  ApiKeyFilter,
  CreatedApiKey,
  Deleted,
  NewApiKey,
  Page,
  PageOf,
  RevokedApiKey,
  RotatedApiKey,
} from '../operator-types.ts';
import type { Requests } from './requests.ts';

const apiKeysPath = '/api/v1/apikeys';

/** Keys of tenants and of the platform, without users' hidden keys. */
export class ApiKeys {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(filter: ApiKeyFilter & PageOf = {}, options?: CallOptions): Promise<Page<ApiKey>> {
    return this.#requests.read(apiKeysPath, filter, options);
  }

  get(id: string, options?: CallOptions): Promise<ApiKey> {
    return this.#requests.read(apiKeyPath(id), {}, options);
  }

  usage(id: string, range: UsageRange = {}, options?: CallOptions): Promise<KeyUsage> {
    return this.#requests.read(`${apiKeyPath(id)}/usage`, range, options);
  }

  create(body: NewApiKey, options: SecretOptions = {}): Promise<CreatedApiKey> {
    return this.#requests.forSecret(apiKeysPath, body, options);
  }

  /** A new id and a new secret; the old key is refused at once. */
  rotate(id: string, options: SecretOptions = {}): Promise<RotatedApiKey> {
    return this.#requests.forSecret(`${apiKeyPath(id)}/rotate`, {}, options);
  }

  /** Revokes it; it stays in the list. */
  revoke(id: string, { reason, ...options }: RevokeOptions = {}): Promise<RevokedApiKey> {
    const path = `${apiKeyPath(id)}/revoke`;
    return this.#requests.change({ method: 'POST', path, body: { reason } }, options);
  }

  delete(id: string, { reason, ...options }: RevokeOptions = {}): Promise<Deleted & Propagated> {
    return this.#requests.change({ method: 'DELETE', path: apiKeyPath(id), query: { reason } }, options);
  }
}

function apiKeyPath(id: string): string {
  return `${apiKeysPath}/${encodeURIComponent(id)}`;
}
