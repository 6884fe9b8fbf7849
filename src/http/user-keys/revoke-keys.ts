import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { revokeKeysOf } from '../../usecases/user-keys/revoke-keys.ts';
import { masterKey } from '../access/master-key.ts';
import { environmentSlug, externalId, noBody } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { revocationAnswer, revocationSuccess, toRevocationAnswer } from './revocation-answer.ts';

export const revokeKeysRoute = defineRoute({
  method: 'delete',
  path: '/v1/flowplate/api-keys/:user_id/:org_id',
  operationId: 'revokeKeys',
  summary: "Revoke a user's keys in an organization",
  description:
    'In every environment unless one is named, keys in their grace included. Repeating it is a success with `revoked_count` 0; a user who never had a key there gives 404.',
  access: masterKey('keys:revoke'),
  params: z.strictObject({ user_id: externalId, org_id: externalId }),
  query: z.strictObject({ environment: environmentSlug.optional() }),
  body: noBody,
  success: revocationSuccess,
  answer: revocationAnswer,
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, query, caller }) {
    const target = { userId: params.user_id, organizationId: params.org_id, environment: query.environment };
    return toRevocationAnswer(await revokeKeysOf(parts, caller, target));
  },
});
