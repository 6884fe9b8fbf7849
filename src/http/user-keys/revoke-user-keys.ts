import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { revokeKeysOf } from '../../usecases/user-keys/revoke-keys.ts';
import { masterKey } from '../access/master-key.ts';
import { defineRoute } from '../route.ts';
import { externalId, noBody, noQuery } from './key-schemas.ts';
import { revocationAnswer, revocationSuccess, toRevocationAnswer } from './revocation-answer.ts';

export const revokeUserKeysRoute = defineRoute({
  method: 'delete',
  path: '/v1/flowplate/api-keys/user/:user_id',
  operationId: 'revokeUserKeys',
  summary: "Revoke a user's keys in every organization",
  description: 'All at once, in one transaction.',
  access: masterKey('keys:revoke'),
  params: z.strictObject({ user_id: externalId }),
  query: noQuery,
  body: noBody,
  success: revocationSuccess,
  answer: revocationAnswer,
  errors: ['USER_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller }) {
    return toRevocationAnswer(await revokeKeysOf(parts, caller, { userId: params.user_id }));
  },
});
