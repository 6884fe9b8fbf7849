import { z } from 'zod';
import { revokeApiKey } from '../../usecases/api-keys/revoke-api-key.ts';
import type { ChangeParts } from '../../usecases/change.ts';
import { organizationOrPlatformCaller } from '../access/organization-caller.ts';
import { timestampText } from '../fields.ts';
import { propagationFields, statusOf, toPropagation } from '../propagation.ts';
import { reasonFields, reasonOf } from '../revocation-reason.ts';
import { defineRoute } from '../route.ts';
import { apiKeyFields, apiKeyParams, shownReason, shownStatus } from './api-key-schemas.ts';

export const revokeApiKeyRoute = defineRoute({
  method: 'post',
  path: '/api/v1/apikeys/:id/revoke',
  operationId: 'revokeApiKey',
  summary: 'Revoke a tenant or platform key',
  description:
    'The key is refused from now on and stays in the list. Repeating it, or revoking an expired key, is a success without effect.',
  access: organizationOrPlatformCaller('manage', 'platform:keys:manage'),
  params: apiKeyParams,
  query: reasonFields,
  body: reasonFields,
  success: {
    200: 'Revoked everywhere, or it had already ended.',
    202: 'Revoked, but some verifier has not applied it yet (see `propagation_detail.effective_by`).',
  },
  answer: z.strictObject({
    success: z.literal(true),
    message: z.string(),
    id: apiKeyFields.id,
    status: apiKeyFields.status,
    revoked_at: timestampText.nullable(),
    revoked_reason: apiKeyFields.revoked_reason,
    ...propagationFields,
  }),
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller, ...given }) {
    const { apiKey, propagation } = await revokeApiKey(parts, caller, params.id, reasonOf(given));
    const status = shownStatus(apiKey, parts.clock.now());
    return {
      status: statusOf(propagation),
      body: {
        success: true as const,
        message: status === 'revoked' ? 'API key revoked' : 'This API key had ended already',
        id: apiKey.id,
        status,
        revoked_at: apiKey.revokedAt?.toISOString() ?? null,
        revoked_reason: shownReason(apiKey, status),
        ...toPropagation(propagation, caller.principal),
      },
    };
  },
});
