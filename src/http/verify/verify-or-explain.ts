import type { z } from 'zod';
import type { MaybeLater } from '../../concurrency/maybe-later.ts';
import type { Explanation } from '../../domain/explanation.ts';
import { type Caller, type MasterKeyPrincipal, requireMasterKeyPermission } from '../../domain/principal.ts';
import type { Verdict } from '../../domain/verdict.ts';
import { type ExplainParts, explainVerification } from '../../verify/explain.ts';
import { type VerifyParts, verifyKey } from '../../verify/verify-key.ts';
import { toVerifyRequest, type verifyBody } from './verdict-schemas.ts';

export type VerifyOrExplainParts = { verify: VerifyParts & ExplainParts };

/**
 * The verdict on what a gateway sent, or with `explain: true` its explanation. An explanation needs
 * `keys:explain`, else `INSUFFICIENT_PERMISSIONS`, before anything is looked up.
 */
export function verifyOrExplain(
  { verify }: VerifyOrExplainParts,
  { principal: gateway, requestId }: Caller<MasterKeyPrincipal>,
  body: z.output<typeof verifyBody>,
  endpoint: 'verify' | 'batch',
): MaybeLater<Verdict | Explanation> {
  const request = toVerifyRequest(body, { endpoint, requestId, masterKeyId: gateway.id });
  if (body.explain !== true) return verifyKey(verify, gateway, request);
  requireMasterKeyPermission(gateway, 'keys:explain');
  return explainVerification(verify, gateway, request);
}
