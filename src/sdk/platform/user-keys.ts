import type { Key, KeyUsage, Revoked, UsageRange } from '../api-types.ts';
import type { CallOptions } from '../client.ts';
import type { HiddenKeyFilter, Page, PageOf } from '../operator-types.ts';
import type { Requests } from './requests.ts';

const hiddenKeysPath = '/api/v1/platform/hidden-keys';

/** Hidden keys of users. Backends mint them; operators list and revoke them. */
export class HiddenKeys {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(filter: HiddenKeyFilter & PageOf = {}, options?: CallOptions): Promise<Page<Key>> {
    return this.#requests.readArray(hiddenKeysPath, filter, options);
  }

  get(keyId: string, options?: CallOptions): Promise<Key> {
    return this.#requests.read(keyPath(keyId), {}, options);
  }

  usage(keyId: string, range: UsageRange = {}, options?: CallOptions): Promise<KeyUsage> {
    return this.#requests.read(`${keyPath(keyId)}/usage`, range, options);
  }

  revoke(keyId: string, options?: CallOptions): Promise<Revoked> {
    return this.#requests.change({ method: 'DELETE', path: keyPath(keyId) }, options);
  }

  /** Every key of the user, in every organization. */
  revokeUser(userId: string, options?: CallOptions): Promise<Revoked> {
    const path = `${hiddenKeysPath}/user/${encodeURIComponent(userId)}`;
    return this.#requests.change({ method: 'DELETE', path }, options);
  }
}

function keyPath(keyId: string): string {
  return `${hiddenKeysPath}/${encodeURIComponent(keyId)}`;
}
