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

/**
 * Decides the verdict on a known key, except its limits. Pure. The order is the contract's, and the
 * first reason wins. At the boundary instant a key has expired.
 */
export function decide(
  record: KeyRecord,
  asked: Asked,
  now: { nowMs: number; organizationActive: boolean },
): AcceptedCode | RefusedCode {
  if (record.status === 'revoked') return 'REVOKED';
  if (record.status === 'superseded' && isOver(record.supersededUntilMs, now.nowMs)) return 'REVOKED';
  if (!record.enabled) return 'DISABLED';
  if (record.status === 'expired' || isOver(record.expiresAtMs, now.nowMs)) return 'EXPIRED';
  if (!now.organizationActive) return 'ORGANIZATION_SUSPENDED';
  if (asked.environment !== undefined && asked.environment !== record.environment)
    return 'ENVIRONMENT_MISMATCH';
  if (asked.organizationId !== undefined && asked.organizationId !== record.organizationId) {
    return 'ORGANIZATION_MISMATCH';
  }
  if (record.ipAllowlist !== null && !isIpAllowed(record.ipAllowlist, asked.ip)) return 'IP_NOT_ALLOWED';
  if (asked.scopes?.some((scope) => !record.scopes.includes(scope))) return 'INSUFFICIENT_SCOPE';
  return record.status === 'superseded' ? 'SUPERSEDED' : 'VALID';
}

function isOver(endMs: number | null, nowMs: number): boolean {
  return endMs !== null && nowMs >= endMs;
}
