import { mapMaybe } from '../../concurrency/maybe-later.ts';
import { masterKey } from '../access/master-key.ts';
import { noParams, noQuery } from '../fields.ts';
import type { RefusalPace } from '../refusal-pace.ts';
import { defineRoute } from '../route.ts';
import { verdictAnswer, verifyBody, verifyKeyPath } from './verdict-schemas.ts';
import { type VerifyOrExplainParts, verifyOrExplain } from './verify-or-explain.ts';

export type VerifyKeyParts = VerifyOrExplainParts & {
  /** For `NOT_FOUND` verdicts: made-up keys through known gateways. */
  unknownKeyPace: RefusalPace;
};

export const verifyKeyRoute = defineRoute({
  method: 'post',
  path: verifyKeyPath,
  operationId: 'verifyKey',
  endpoint: 'verify',
  summary: 'Verify a key',
  description:
    'Always 200 with a verdict. The first reason for a refusal decides, in the order of the codes. A refusal spends no limit and no quota. With `explain: true` the answer has every check, and nothing is spent or counted; that needs `keys:explain` as well.',
  access: masterKey('keys:verify'),
  params: noParams,
  query: noQuery,
  body: verifyBody,
  success: { 200: 'The verdict.' },
  answer: verdictAnswer,
  errors: [],
  handle(parts: VerifyKeyParts, { body, caller }) {
    return mapMaybe(verifyOrExplain(parts, caller, body, 'verify'), (verdict) => ({
      status: 200,
      body: verdict,
      ...(verdict.code === 'NOT_FOUND' && { pace: parts.unknownKeyPace }),
    }));
  },
});
