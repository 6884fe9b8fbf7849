import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import { type AuditVerification, type ChainParts, type VerifyRequest, verifyChain } from './audit-chain.ts';

export type VerifyAuditParts = ChainParts & {
  /** Bounds the verifications: each reads the whole log, on a connection that others need. */
  auditVerifications: Bulkhead;
};

/** `verifyChain` for a caller. Rejects with `OVERLOADED` when other verifications run. */
export function verifyAudit(
  parts: VerifyAuditParts,
  request: VerifyRequest,
  signal: AbortSignal,
): Promise<AuditVerification> {
  return parts.auditVerifications.run(() => verifyChain(parts, request, signal));
}
