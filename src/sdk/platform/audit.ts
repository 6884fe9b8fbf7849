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

/** Reading every event again takes its time. */
const verifyMsMax = 10 * 60_000;

export class Audit {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(filter: AuditFilter & PageOf = {}, options?: CallOptions): Promise<Page<AuditEvent>> {
    return this.#requests.readArray(auditPath, filter, options);
  }

  /** Whether an event was changed, removed, moved or cut off since it was sealed. */
  verify(range: AuditRange = {}, options: CallOptions = {}): Promise<AuditVerification> {
    return this.#requests.read(`${auditPath}/verify`, range, { timeoutMs: verifyMsMax, ...options });
  }

  /** Every event that matches, each a line of JSON, as they arrive. */
  export(filter: AuditFilter = {}, options?: CallOptions): AsyncGenerator<string, void, undefined> {
    return this.#requests.lines(`${auditPath}/export`, filter, options);
  }
}
