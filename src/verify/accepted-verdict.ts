import type { KeyRecord } from '../domain/key-record.ts';
import type { Accepted, AcceptedCode } from '../domain/verdict.ts';

/**
 * What a yes says, but for the states of the limits. Frozen: the same one is handed out as long as
 * its record stays the same.
 */
export class AcceptedVerdict implements Accepted {
  readonly valid = true;
  readonly code: AcceptedCode;
  readonly key_id: string;
  readonly user_id: string;
  readonly organization_id: string;
  readonly environment: string;
  readonly scopes: readonly string[];
  readonly metadata: KeyRecord['metadata'];
  readonly expires_at: string | null;
  #json: string | undefined;

  constructor(record: KeyRecord, code: AcceptedCode) {
    this.code = code;
    this.key_id = record.id;
    this.user_id = record.userId;
    this.organization_id = record.organizationId;
    this.environment = record.environment;
    this.scopes = record.scopes;
    this.metadata = record.metadata;
    this.expires_at = endOf(record);
    Object.freeze(this);
  }

  /**
   * Made once (0.33 → 0.15 µs, for 300 bytes): a verdict without limits stays the same as long as
   * its record does.
   */
  get json(): string {
    this.#json ??= JSON.stringify(this);
    return this.#json;
  }
}

type Judged = { readonly record: KeyRecord; verdict: AcceptedVerdict | undefined };

/** Made at the first yes, and again when the yes is another. */
export function verdictOf(entry: Judged, code: AcceptedCode): AcceptedVerdict {
  if (entry.verdict?.code !== code) entry.verdict = new AcceptedVerdict(entry.record, code);
  return entry.verdict;
}

/** When this very key stops: its expiry, or the end of its grace when that comes first. */
function endOf(record: KeyRecord): string | null {
  const endMs = Math.min(record.expiresAtMs ?? Infinity, record.supersededUntilMs ?? Infinity);
  return endMs === Infinity ? null : new Date(endMs).toISOString();
}
