import { type VerifyParts, verifyKey } from '../../verify/verify-key.ts';
import { masterKey } from '../access/master-key.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import type { MeterParts } from './serve-metered.ts';
import { toVerifyRequest, verdictAnswer, verifyBody } from './verdict-schemas.ts';

export const verifyKeyRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/api-keys/verify',
  operationId: 'verifyKey',
  endpoint: 'verify',
  summary: 'Verify a key',
  description:
    'Always 200 with a verdict. The first reason for a refusal decides, in the order of the codes. A refusal spends no limit and no quota.',
  access: masterKey('keys:verify'),
  params: noParams,
  query: noQuery,
  body: verifyBody,
  success: { 200: 'The verdict.' },
  answer: verdictAnswer,
  errors: [],
  async handle(parts: { verify: VerifyParts } & MeterParts, { body, caller }) {
    const verdict = await verifyKey(parts.verify, caller.principal, toVerifyRequest(body));
    parts.verifications.count('verify', verdict.code);
    return { status: 200, body: verdict };
  },
});
