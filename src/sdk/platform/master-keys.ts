import type { CallOptions, RevokeOptions, SecretOptions } from '../client.ts';
import type {
  MasterKey,
  MasterKeyBounds,
  MasterKeyFilter,
  MasterKeyWithSecret,
  MintedOrganization,
  NewMasterKey,
  Page,
  PageOf,
  RevokedMasterKey,
  RotatedMasterKey,
} from '../operator-types.ts';
import type { Requests } from './requests.ts';

const masterKeysPath = '/api/v1/platform/master-keys';

/** Master keys of backends and gateways; super-admins only. */
export class MasterKeys {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(filter: MasterKeyFilter & PageOf = {}, options?: CallOptions): Promise<Page<MasterKey>> {
    return this.#requests.readArray(masterKeysPath, filter, options);
  }

  get(id: string, options?: CallOptions): Promise<MasterKey> {
    return this.#requests.read(masterKeyPath(id), {}, options);
  }

  create(body: NewMasterKey, options: SecretOptions = {}): Promise<MasterKeyWithSecret> {
    return this.#requests.forSecret(masterKeysPath, body, options);
  }

  /**
   * Changes the bounds of a master key, and the longest age of its keys. Settings that are not
   * named stay; null removes one.
   */
  update(id: string, bounds: MasterKeyBounds, options?: CallOptions): Promise<MasterKey> {
    return this.#requests.change({ method: 'PATCH', path: masterKeyPath(id), body: bounds }, options);
  }

  /** The organizations for which it has minted, with the counts of its keys. */
  organizations(id: string, page: PageOf = {}, options?: CallOptions): Promise<Page<MintedOrganization>> {
    return this.#requests.readArray(`${masterKeyPath(id)}/organizations`, page, options);
  }

  /** The old key works during the overlap. */
  rotate(
    id: string,
    body: { overlap_seconds?: number | undefined } = {},
    options: SecretOptions = {},
  ): Promise<RotatedMasterKey> {
    return this.#requests.forSecret(`${masterKeyPath(id)}/rotate`, body, options);
  }

  /** The keys that it minted keep working. */
  revoke(id: string, { reason, ...options }: RevokeOptions = {}): Promise<RevokedMasterKey> {
    const path = `${masterKeyPath(id)}/revoke`;
    return this.#requests.change({ method: 'POST', path, body: { reason } }, options);
  }
}

function masterKeyPath(id: string): string {
  return `${masterKeysPath}/${encodeURIComponent(id)}`;
}
