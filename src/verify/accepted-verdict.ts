import type { KeyRecord } from '../domain/key-record.ts';
import type { Accepted, AcceptedCode, VerdictCode } from '../domain/verdict.ts';

export function isAccepted(code: VerdictCode): code is AcceptedCode {
  return code === 'VALID' || code === 'SUPERSEDED';
}

/** What a yes says, but for the states of the limits. */
export function acceptedVerdict(record: KeyRecord, code: AcceptedCode): Accepted {
  return {
    valid: true,
    code,
    key_id: record.id,
    user_id: record.userId,
    organization_id: record.organizationId,
    environment: record.environment,
    scopes: record.scopes,
    metadata: record.metadata,
    expires_at: endOf(record),
  };
}

/** When this very key stops: its expiry, or the end of its grace when that comes first. */
function endOf(record: KeyRecord): string | null {
  const endMs = Math.min(record.expiresAtMs ?? Infinity, record.supersededUntilMs ?? Infinity);
  return endMs === Infinity ? null : new Date(endMs).toISOString();
}
