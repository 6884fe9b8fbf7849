import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import type { ChangeParts } from '../../usecases/change.ts';
import { revokeKeysOf } from '../../usecases/user-keys/revoke-keys.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { externalId, noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { revocationAnswer, revocationSuccess, toRevocationAnswer } from './revocation-answer.ts';

const revokesKeysOfUser = {
  method: 'delete',
  description: 'All of them, in one transaction.',
  params: z.strictObject({ user_id: externalId }),
  query: noQuery,
  body: noBody,
  success: revocationSuccess,
  answer: revocationAnswer,
  errors: ['USER_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller }: { params: { user_id: string }; caller: Caller }) {
    const revocation = await revokeKeysOf(parts, caller, { userId: params.user_id });
    return toRevocationAnswer(revocation, caller.principal);
  },
} as const;

export const revokeUserKeysRoute = defineRoute({
  ...revokesKeysOfUser,
  path: '/v1/flowplate/api-keys/user/:user_id',
  operationId: 'revokeUserKeys',
  summary: "Revoke a user's keys in every organization",
  access: masterKey('keys:revoke'),
});

export const revokeKeysForPlatformRoute = defineRoute({
  ...revokesKeysOfUser,
  path: '/api/v1/platform/hidden-keys/user/:user_id',
  operationId: 'revokeHiddenKeys',
  summary: "Revoke a user's hidden keys in every organization",
  access: platformCaller('platform:hidden_keys:manage', 'confined'),
});
