import { z } from 'zod';
import type { ApiKeyReadParts } from '../../usecases/api-keys/get-api-key.ts';
import { getApiKeyUsage } from '../../usecases/api-keys/get-api-key-usage.ts';
import { organizationOrPlatformCaller } from '../access/organization-caller.ts';
import { noBody } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { toUsageAnswer, usageAnswer, usageQuery } from '../user-keys/usage-answer.ts';
import { apiKeyParams } from './api-key-schemas.ts';

export const getApiKeyUsageRoute = defineRoute({
  method: 'get',
  path: '/api/v1/apikeys/:id/usage',
  operationId: 'getApiKeyUsage',
  summary: 'Usage of a tenant or platform key over time',
  description:
    'Calls are counted within ten seconds. The range is widened to whole hours or UTC days; steps without calls are omitted. A rotated key starts at 0.',
  access: organizationOrPlatformCaller('read', 'platform:keys:read'),
  params: apiKeyParams,
  query: usageQuery,
  body: noBody,
  success: { 200: 'The time series and its totals.' },
  answer: usageAnswer.extend({ key_id: z.string() }),
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ApiKeyReadParts, { params, query, caller }) {
    const usage = await getApiKeyUsage(parts, caller.principal, params.id, query);
    return { status: 200, body: toUsageAnswer(params.id, usage) };
  },
});
