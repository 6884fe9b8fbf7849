import { isIpAllowed } from '../domain/ip-allowlist.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import type { AcceptedCode, RefusedCode } from '../domain/verdict.ts';

/** Requirements of the gateway. Absent ones are not checked. */
export type Asked = {
  scopes?: readonly string[] | undefined;
  organizationId?: string | undefined;
  environment?: string | undefined;
  /** Unparsed; `isIpAllowed` parses it. */
  ip?: string | undefined;
};

/** When a call is decided, and whether the organization of its key is active then. */
export type Circumstances = { nowMs: number; organizationActive: boolean };

/**
 * Decides the verdict on a known key, except its limits. Pure. The order is the contract's, and the
 * first reason wins. At the boundary instant a key has expired.
 */
export function decide(record: KeyRecord, asked: Asked, now: Circumstances): AcceptedCode | RefusedCode {
  if (isRevoked(record, now)) return 'REVOKED';
  if (!record.enabled) return 'DISABLED';
  if (isQuarantined(record, now)) return 'QUARANTINED';
  if (isExpired(record, now)) return 'EXPIRED';
  if (!now.organizationActive) return 'ORGANIZATION_SUSPENDED';
  if (isElsewhere(record, asked)) return 'ENVIRONMENT_MISMATCH';
  if (isOthers(record, asked)) return 'ORGANIZATION_MISMATCH';
  if (isShutOut(record, asked)) return 'IP_NOT_ALLOWED';
  if (lacksScope(record, asked)) return 'INSUFFICIENT_SCOPE';
  return record.status === 'superseded' ? 'SUPERSEDED' : 'VALID';
}

type Reason = Exclude<RefusedCode, 'MALFORMED' | 'NOT_FOUND' | 'RATE_LIMITED' | 'QUOTA_EXCEEDED'>;

/** The same checks one by one, for whoever asks after all of them; `decide` needs no table. */
export const failures: Record<Reason, (record: KeyRecord, asked: Asked, now: Circumstances) => boolean> = {
  REVOKED: (record, _asked, now) => isRevoked(record, now),
  DISABLED: (record) => !record.enabled,
  QUARANTINED: (record, _asked, now) => isQuarantined(record, now),
  EXPIRED: (record, _asked, now) => isExpired(record, now),
  ORGANIZATION_SUSPENDED: (_record, _asked, now) => !now.organizationActive,
  ENVIRONMENT_MISMATCH: isElsewhere,
  ORGANIZATION_MISMATCH: isOthers,
  IP_NOT_ALLOWED: isShutOut,
  INSUFFICIENT_SCOPE: lacksScope,
};

/** A quarantined key has the status `revoked`, and is revoked when its quarantine is over. */
function isRevoked(record: KeyRecord, { nowMs }: Circumstances): boolean {
  const { status, supersededUntilMs, quarantinedUntilMs } = record;
  if (quarantinedUntilMs !== null)
    return isOver(quarantinedUntilMs, nowMs) || isOver(supersededUntilMs, nowMs);
  return status === 'revoked' || (status === 'superseded' && isOver(supersededUntilMs, nowMs));
}

function isQuarantined({ quarantinedUntilMs }: KeyRecord, { nowMs }: Circumstances): boolean {
  return quarantinedUntilMs !== null && !isOver(quarantinedUntilMs, nowMs);
}

function isExpired({ status, expiresAtMs }: KeyRecord, { nowMs }: Circumstances): boolean {
  return status === 'expired' || isOver(expiresAtMs, nowMs);
}

function isElsewhere(record: KeyRecord, { environment }: Asked): boolean {
  return environment !== undefined && environment !== record.environment;
}

function isOthers(record: KeyRecord, { organizationId }: Asked): boolean {
  return organizationId !== undefined && organizationId !== record.organizationId;
}

function isShutOut({ ipAllowlist }: KeyRecord, { ip }: Asked): boolean {
  return ipAllowlist !== null && !isIpAllowed(ipAllowlist, ip);
}

function lacksScope(record: KeyRecord, { scopes }: Asked): boolean {
  return scopes?.some((scope) => !record.scopes.includes(scope)) === true;
}

function isOver(endMs: number | null, nowMs: number): boolean {
  return endMs !== null && nowMs >= endMs;
}
