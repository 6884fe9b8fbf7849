import { z } from 'zod';
import { requireMasterKeyPermission } from '../../domain/principal.ts';
import { masterKey } from '../access/master-key.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { verdictAnswer, verifyBatchBody, type verifyBody } from './verdict-schemas.ts';
import { type VerifyOrExplainParts, verifyOrExplain } from './verify-or-explain.ts';

export const verifyBatchRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/api-keys/verify/batch',
  operationId: 'verifyKeys',
  endpoint: 'batch',
  summary: 'Verify up to 100 keys',
  description:
    'Each key is verified independently; the verdicts are in the order of the keys. A bad key or address from an end client affects only its own verdict. A mistake of the gateway itself, such as an unknown field, refuses the whole batch.',
  access: masterKey('keys:verify'),
  params: noParams,
  query: noQuery,
  body: verifyBatchBody,
  success: { 200: 'The verdicts.' },
  answer: z.strictObject({ results: z.array(verdictAnswer) }),
  errors: [],
  async handle(parts: VerifyOrExplainParts, { body, caller }) {
    // Before the first of them spends anything.
    if (body.keys.some(({ explain }) => explain))
      requireMasterKeyPermission(caller.principal, 'keys:explain');
    const verify = (item: z.output<typeof verifyBody>) => verifyOrExplain(parts, caller, item, 'batch');
    return { status: 200, body: { results: await Promise.all(body.keys.map(verify)) } };
  },
});
