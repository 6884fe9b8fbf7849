import { z } from 'zod';
import { type VerifyParts, verifyKey } from '../../verify/verify-key.ts';
import { masterKey } from '../access/master-key.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import type { MeterParts } from './serve-metered.ts';
import { toVerifyRequest, verdictAnswer, verifyBody } from './verdict-schemas.ts';

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
  body: z.strictObject({ keys: z.array(verifyBody).min(1).max(100) }),
  success: { 200: 'The verdicts.' },
  answer: z.strictObject({ results: z.array(verdictAnswer) }),
  errors: [],
  async handle(parts: { verify: VerifyParts } & MeterParts, { body, caller }) {
    const verify = (item: z.output<typeof verifyBody>) =>
      verifyKey(parts.verify, caller.principal, toVerifyRequest(item));
    const results = await Promise.all(body.keys.map(verify));
    for (const { code } of results) parts.verifications.count('batch', code);
    return { status: 200, body: { results } };
  },
});
