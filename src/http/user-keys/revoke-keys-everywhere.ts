import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import type { ChangeParts } from '../../usecases/change.ts';
import { revokeKeysOf } from '../../usecases/user-keys/revoke-keys.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { externalId } from '../fields.ts';
import { type GivenReason, reasonFields, reasonOf } from '../revocation-reason.ts';
import { defineRoute } from '../route.ts';
import { revocationAnswer, revocationSuccess, toRevocationAnswer } from './revocation-answer.ts';

type Asked = GivenReason & { params: { user_id: string }; caller: Caller };

const revokesKeysOfUser = {
  method: 'delete',
  description: 'All of them; more than 500 in several transactions.',
  params: z.strictObject({ user_id: externalId }),
  query: reasonFields,
  body: reasonFields,
  success: revocationSuccess,
  answer: revocationAnswer,
  errors: ['USER_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller, ...given }: Asked) {
    const target = { userId: params.user_id, reason: reasonOf(given) };
    const revocation = await revokeKeysOf(parts, caller, target);
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
