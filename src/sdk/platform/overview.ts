import type { UsageRange } from '../api-types.ts';
import type { CallOptions } from '../client.ts';
import type { Diagnosis, QueueHealth, TopTraffic, Traffic, Verifiers } from '../operator-types.ts';
import type { Requests } from './requests.ts';

const platformPath = '/api/v1/platform';

/** Traffic of all keys, verifiers with their leases, and background jobs. */
export class Overview {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Calls and refusals of all keys over time. */
  traffic(range: UsageRange = {}, options?: CallOptions): Promise<Traffic> {
    return this.#requests.read(`${platformPath}/traffic`, range, options);
  }

  /** The busiest tenants and keys of a UTC day, today unless named. */
  topTraffic(
    query: { day?: string | undefined; limit?: number | undefined } = {},
    options?: CallOptions,
  ): Promise<TopTraffic> {
    return this.#requests.read(`${platformPath}/traffic/top`, query, options);
  }

  /** The processes that verify from memory. A live one that is behind delays revokes. */
  verifiers(options?: CallOptions): Promise<Verifiers> {
    return this.#requests.read(`${platformPath}/verifiers`, {}, options);
  }

  queues(options?: CallOptions): Promise<QueueHealth> {
    return this.#requests.read(`${platformPath}/queues`, {}, options);
  }

  /** What is wrong with the deployment, each with its fix. */
  diagnosis(options?: CallOptions): Promise<Diagnosis> {
    return this.#requests.read(`${platformPath}/diagnosis`, {}, options);
  }
}
