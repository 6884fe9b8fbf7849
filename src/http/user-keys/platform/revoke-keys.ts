import { z } from 'zod';
import type { ChangeParts } from '../../../usecases/change.ts';
import { revokeKeysOf } from '../../../usecases/user-keys/revoke-keys.ts';
import { platformCaller } from '../../access/platform-caller.ts';
import { defineRoute } from '../../route.ts';
import { externalId, noBody, noQuery } from '../key-schemas.ts';
import { revocationAnswer, revocationSuccess, toRevocationAnswer } from '../revocation-answer.ts';

export const revokeKeysForPlatformRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/hidden-keys/user/:user_id',
  operationId: 'revokeHiddenKeys',
  summary: "Revoke a user's hidden keys in every organization",
  description: 'All at once, in one transaction.',
  access: platformCaller('platform:hidden_keys:manage'),
  params: z.strictObject({ user_id: externalId }),
  query: noQuery,
  body: noBody,
  success: revocationSuccess,
  answer: revocationAnswer,
  errors: ['USER_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller }) {
    const revocation = await revokeKeysOf(parts, caller, { userId: params.user_id });
    return toRevocationAnswer(revocation, caller.principal);
  },
});
