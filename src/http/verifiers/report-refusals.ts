import { z } from 'zod';
import { checkCodes } from '../../domain/explanation.ts';
import { type ReportRefusalsParts, reportRefusals } from '../../usecases/verifiers/report-refusals.ts';
import { masterKey } from '../access/master-key.ts';
import { keyId, noQuery, requestId } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { verifierParams } from './verifier-schemas.ts';

const refusal = z.strictObject({
  key_id: keyId,
  at_ms: z.int().min(0),
  code: z.enum(checkCodes),
  request_id: requestId,
  ip: z.string().max(100).nullable(),
});

type Parts = { refusalReports: ReportRefusalsParts; verify: { clock: { nowMs(): number } } };

export const reportRefusalsRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/verifiers/:verifier_id/refusals',
  operationId: 'reportRefusals',
  summary: 'Report the last refusals of an embedded verifier',
  description:
    'So that the owner of a key sees them among its last refusals. Left out are those of keys that do not exist or that the master key may not see, and of times that are to come or longer ago than twenty minutes.',
  access: masterKey('keys:verify:embedded'),
  params: verifierParams,
  query: noQuery,
  body: z.strictObject({ refusals: z.array(refusal).min(1).max(200) }),
  success: { 204: 'Taken, as far as there is room.' },
  answer: z.undefined(),
  errors: ['VERIFIER_NOT_FOUND'],
  async handle(parts: Parts, { params, body, caller }) {
    await reportRefusals(parts.refusalReports, caller.principal, {
      verifierId: params.verifier_id,
      refusals: body.refusals.map(toReported),
      nowMs: parts.verify.clock.nowMs(),
    });
    return { status: 204, body: undefined };
  },
});

function toReported({ key_id, at_ms, code, request_id, ip }: z.output<typeof refusal>) {
  return { keyId: key_id, atMs: at_ms, code, requestId: request_id, ip };
}
