import type { CallOptions } from '../client.ts';
import type { Deleted, Environment, Page, PageOf } from '../operator-types.ts';
import type { Requests } from './requests.ts';

const environmentsPath = '/api/v1/environments';

/** Environments of one organization: the credential's own, or the impersonated one. */
export class Environments {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(page: PageOf = {}, options?: CallOptions): Promise<Page<Environment>> {
    return this.#requests.read(environmentsPath, page, options);
  }

  create(body: { name: string }, options?: CallOptions): Promise<Environment> {
    return this.#requests.change({ method: 'POST', path: environmentsPath, body }, options);
  }

  delete(id: string, options?: CallOptions): Promise<Deleted> {
    const path = `${environmentsPath}/${encodeURIComponent(id)}`;
    return this.#requests.change({ method: 'DELETE', path }, options);
  }
}
