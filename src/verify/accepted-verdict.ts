import { identityHeaderList } from '../domain/forward-auth/identity-headers.ts';
import { headerText } from '../domain/header-text.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import type { Accepted, AcceptedCode } from '../domain/verdict.ts';

/**
 * Accepted verdict without rate-limit and quota states. Frozen, and reused until the key record
 * changes.
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
  readonly superseded_by: string | undefined;
  readonly superseded_at: string | undefined;
  readonly superseded_until: string | undefined;
  #json: string | undefined;
  #headerText: string | undefined;

  constructor(record: KeyRecord, code: AcceptedCode) {
    this.code = code;
    this.key_id = record.id;
    this.user_id = record.userId;
    this.organization_id = record.organizationId;
    this.environment = record.environment;
    this.scopes = record.scopes;
    this.metadata = record.metadata;
    this.expires_at = endOf(record);
    const isSuperseded = code === 'SUPERSEDED';
    this.superseded_by = isSuperseded ? (record.supersededBy ?? undefined) : undefined;
    this.superseded_at = isSuperseded ? textOf(record.supersededAtMs) : undefined;
    this.superseded_until = isSuperseded ? textOf(record.supersededUntilMs) : undefined;
    Object.freeze(this);
  }

  /** Identity headers of forward auth, for node:http. */
  headerList(): string[] {
    return identityHeaderList(this);
  }

  /** The same as cached text, for the fast lane. */
  get headerText(): string {
    this.#headerText ??= headerText(identityHeaderList(this));
    return this.#headerText;
  }

  /** Cached JSON (0.33 → 0.15 µs for 300 bytes); it is fixed while the record is. */
  get json(): string {
    this.#json ??= JSON.stringify(this);
    return this.#json;
  }
}

type Judged = { readonly record: KeyRecord; verdict: AcceptedVerdict | undefined };

/** Cached verdict; rebuilt when the code changes between `VALID` and `SUPERSEDED`. */
export function verdictOf(entry: Judged, code: AcceptedCode): AcceptedVerdict {
  if (entry.verdict?.code !== code) entry.verdict = new AcceptedVerdict(entry.record, code);
  return entry.verdict;
}

/** End of this key: its expiry or the end of its grace, the earlier one. */
function endOf(record: KeyRecord): string | null {
  const endMs = Math.min(record.expiresAtMs ?? Infinity, record.supersededUntilMs ?? Infinity);
  return endMs === Infinity ? null : new Date(endMs).toISOString();
}

function textOf(ms: number | null): string | undefined {
  return ms === null ? undefined : new Date(ms).toISOString();
}
