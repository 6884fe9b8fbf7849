import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { revokeKeysOf } from '../../usecases/user-keys/revoke-keys.ts';
import { masterKey } from '../access/master-key.ts';
import { environmentSlug, externalId } from '../fields.ts';
import { reasonField, reasonFields, reasonOf } from '../revocation-reason.ts';
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
  query: z.strictObject({ environment: environmentSlug.optional(), ...reasonField }),
  body: reasonFields,
  success: revocationSuccess,
  answer: revocationAnswer,
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, query, body, caller }) {
    const reason = reasonOf({ query, body });
    const owner = { userId: params.user_id, organizationId: params.org_id };
    const target = { ...owner, environment: query.environment, reason };
    return toRevocationAnswer(await revokeKeysOf(parts, caller, target));
  },
});
