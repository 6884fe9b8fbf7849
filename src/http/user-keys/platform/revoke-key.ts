import { z } from 'zod';
import type { ChangeParts } from '../../../usecases/change.ts';
import { revokeKey } from '../../../usecases/user-keys/revoke-key.ts';
import { platformCaller } from '../../access/platform-caller.ts';
import { defineRoute } from '../../route.ts';
import { keyId, noBody, noQuery } from '../key-schemas.ts';
import { revocationAnswer, revocationSuccess, toRevocationAnswer } from '../revocation-answer.ts';

export const revokeKeyForPlatformRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/hidden-keys/:key_id',
  operationId: 'revokeHiddenKey',
  summary: 'Revoke one hidden user key',
  description:
    'An active key takes its predecessors in grace with it. Again is a success with `revoked_count` 0.',
  access: platformCaller('platform:hidden_keys:manage'),
  params: z.strictObject({ key_id: keyId }),
  query: noQuery,
  body: noBody,
  success: revocationSuccess,
  answer: revocationAnswer,
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller }) {
    return toRevocationAnswer(await revokeKey(parts, caller, params.key_id), caller.principal);
  },
});
