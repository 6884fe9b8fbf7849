import type { CallOptions } from '../client.ts';
import type {
  AuditEvent,
  AuditFilter,
  AuditRange,
  AuditVerification,
  Page,
  PageOf,
} from '../operator-types.ts';
import type { Requests } from './requests.ts';

const auditPath = '/api/v1/platform/audit';

/** Generous, since it reads every event. */
const verifyMsMax = 10 * 60_000;

export class Audit {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(filter: AuditFilter & PageOf = {}, options?: CallOptions): Promise<Page<AuditEvent>> {
    return this.#requests.readArray(auditPath, filter, options);
  }

  /** Checks the hash chain: whether an event was changed, removed or moved since it was sealed. */
  verify(range: AuditRange = {}, options: CallOptions = {}): Promise<AuditVerification> {
    return this.#requests.read(`${auditPath}/verify`, range, { timeoutMs: verifyMsMax, ...options });
  }

  /** All matching events, streamed as JSON lines. */
  export(filter: AuditFilter = {}, options?: CallOptions): AsyncGenerator<string, void, undefined> {
    return this.#requests.lines(`${auditPath}/export`, filter, options);
  }
}
