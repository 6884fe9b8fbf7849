import type { z } from 'zod';
import { type MaybeLater, mapMaybe } from '../../concurrency/maybe-later.ts';
import type { Explanation } from '../../domain/explanation.ts';
import { type Caller, type MasterKeyPrincipal, requireMasterKeyPermission } from '../../domain/principal.ts';
import type { Verdict } from '../../domain/verdict.ts';
import { type ExplainParts, explainVerification } from '../../verify/explain.ts';
import { type VerifyParts, verifyKey } from '../../verify/verify-key.ts';
import type { MeterParts } from './serve-metered.ts';
import { toVerifyRequest, type verifyBody } from './verdict-schemas.ts';

export type VerifyOrExplainParts = MeterParts & { verify: VerifyParts & ExplainParts };

/**
 * The verdict on what a gateway sent, or with `explain: true` its explanation. An explanation needs
 * `keys:explain`, else `INSUFFICIENT_PERMISSIONS`, before anything is looked up, and does not count
 * as a verification.
 */
export function verifyOrExplain(
  { verify, verifications }: VerifyOrExplainParts,
  { principal: gateway, requestId }: Caller<MasterKeyPrincipal>,
  body: z.output<typeof verifyBody>,
  endpoint: 'verify' | 'batch',
): MaybeLater<Verdict | Explanation> {
  const request = toVerifyRequest(body, { endpoint, requestId, traceId: null, masterKeyId: gateway.id });
  if (body.explain === true) {
    requireMasterKeyPermission(gateway, 'keys:explain');
    return explainVerification(verify, gateway, request);
  }
  return mapMaybe(verifyKey(verify, gateway, request), (verdict) => {
    verifications.count(endpoint, verdict.code);
    return verdict;
  });
}
