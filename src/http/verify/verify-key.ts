import { mapMaybe } from '../../concurrency/maybe-later.ts';
import { type VerifyParts, verifyKey } from '../../verify/verify-key.ts';
import { masterKey } from '../access/master-key.ts';
import { noParams, noQuery } from '../fields.ts';
import type { RefusalPace } from '../refusal-pace.ts';
import { defineRoute } from '../route.ts';
import type { MeterParts } from './serve-metered.ts';
import { toVerifyRequest, verdictAnswer, verifyBody } from './verdict-schemas.ts';

export type VerifyKeyParts = MeterParts & {
  verify: VerifyParts;
  /** For `NOT_FOUND` verdicts: made-up keys through known gateways. */
  unknownKeyPace: RefusalPace;
};

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
  handle({ verify, unknownKeyPace, verifications }: VerifyKeyParts, { body, caller }) {
    const verdict = verifyKey(verify, caller.principal, toVerifyRequest(body));
    return mapMaybe(verdict, (body) => {
      verifications.count('verify', body.code);
      return { status: 200, body, ...(body.code === 'NOT_FOUND' && { pace: unknownKeyPace }) };
    });
  },
});
