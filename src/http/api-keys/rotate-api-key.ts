import { z } from 'zod';
import { rotateApiKey } from '../../usecases/api-keys/rotate-api-key.ts';
import { organizationOrPlatformCaller } from '../access/organization-caller.ts';
import { noQuery } from '../fields.ts';
import { propagationFields, toPropagation } from '../propagation.ts';
import { defineRoute } from '../route.ts';
import { apiKeyParams, createdFields, toCreatedAnswer } from './api-key-schemas.ts';

export const rotateApiKeyRoute = defineRoute({
  method: 'post',
  path: '/api/v1/apikeys/:id/rotate',
  operationId: 'rotateApiKey',
  summary: 'Replace a tenant or platform key by a new one',
  description:
    'The new key has its own id and secret; name, scopes, roles, environment and expiry carry over. The old key is refused at once and stays in the list as revoked.',
  access: organizationOrPlatformCaller('manage', 'platform:keys:manage'),
  params: apiKeyParams,
  query: noQuery,
  body: z.strictObject({}),
  success: { 200: 'Rotated. The new secret is in this answer and nowhere else.' },
  answer: z.strictObject({ ...createdFields, ...propagationFields }),
  errors: ['STEP_UP_REQUIRED', 'KEY_NOT_FOUND', 'KEY_NOT_ACTIVE'],
  idempotent: true,
  async handle(parts: Parameters<typeof rotateApiKey>[0], { params, caller, idempotency }) {
    const { created, propagation, isReplay } = await rotateApiKey(parts, caller, params.id, idempotency);
    return {
      status: 200,
      body: { ...toCreatedAnswer(created), ...toPropagation(propagation, caller.principal) },
      ...(isReplay && { headers: { 'Idempotency-Replayed': 'true' } }),
    };
  },
});
