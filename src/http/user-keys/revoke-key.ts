import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import type { ChangeParts } from '../../usecases/change.ts';
import { revokeKey } from '../../usecases/user-keys/revoke-key.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { keyId } from '../fields.ts';
import { type GivenReason, reasonFields, reasonOf } from '../revocation-reason.ts';
import { defineRoute } from '../route.ts';
import { revocationAnswer, revocationSuccess, toRevocationAnswer } from './revocation-answer.ts';

type Asked = GivenReason & { params: { key_id: string }; caller: Caller };

const revokesKey = {
  method: 'delete',
  description:
    'Revokes the predecessors in grace of an active key too. Repeating it is a success with `revoked_count` 0.',
  params: z.strictObject({ key_id: keyId }),
  query: reasonFields,
  body: reasonFields,
  success: revocationSuccess,
  answer: revocationAnswer,
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller, ...given }: Asked) {
    const revocation = await revokeKey(parts, caller, params.key_id, reasonOf(given));
    return toRevocationAnswer(revocation, caller.principal);
  },
} as const;

export const revokeKeyRoute = defineRoute({
  ...revokesKey,
  path: '/v1/flowplate/api-keys/:key_id',
  operationId: 'revokeKey',
  summary: 'Revoke one key by its id',
  access: masterKey('keys:revoke'),
});

export const revokeKeyForPlatformRoute = defineRoute({
  ...revokesKey,
  path: '/api/v1/platform/hidden-keys/:key_id',
  operationId: 'revokeHiddenKey',
  summary: 'Revoke one hidden user key',
  access: platformCaller('platform:hidden_keys:manage', 'confined'),
});
