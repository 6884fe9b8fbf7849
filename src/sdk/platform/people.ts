import type { CallOptions } from '../client.ts';
import type { ErasedPerson, Person } from '../operator-types.ts';
import type { Requests } from './requests.ts';

/** Names and e-mail addresses of platform users and API users, also of deleted ones. */
export class People {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  get(id: string, options?: CallOptions): Promise<Person> {
    return this.#requests.read(personPath(id), {}, options);
  }

  /** For ever, and only after the user was deleted. The audit log keeps the id. */
  erase(id: string, options?: CallOptions): Promise<ErasedPerson> {
    return this.#requests.change({ method: 'DELETE', path: personPath(id) }, options);
  }
}

function personPath(id: string): string {
  return `/api/v1/platform/people/${encodeURIComponent(id)}`;
}
