import { z } from 'zod';
import { type ApiKeyReadParts, getApiKey } from '../../usecases/api-keys/get-api-key.ts';
import { organizationOrPlatformCaller } from '../access/organization-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { apiKeyFields, apiKeyParams, toApiKeyAnswer } from './api-key-schemas.ts';

export const getApiKeyRoute = defineRoute({
  method: 'get',
  path: '/api/v1/apikeys/:id',
  operationId: 'getApiKey',
  summary: 'Look at one tenant or platform key',
  description: 'Its settings, state and usage; never its secret.',
  access: organizationOrPlatformCaller('read', 'platform:keys:read'),
  params: apiKeyParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The key.' },
  answer: z.strictObject(apiKeyFields),
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ApiKeyReadParts, { params, caller }) {
    const found = await getApiKey(parts, caller.principal, params.id);
    return { status: 200, body: toApiKeyAnswer(found, parts.clock.now()) };
  },
});
