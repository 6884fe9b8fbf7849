import { z } from 'zod';
import { getKeyUsage } from '../../../usecases/usage/get-key-usage.ts';
import type { ReadParts } from '../../../usecases/user-keys/key-with-usage.ts';
import { platformCaller } from '../../access/platform-caller.ts';
import { defineRoute } from '../../route.ts';
import { keyId, noBody } from '../key-schemas.ts';
import { toUsageAnswer, usageAnswer, usageDescription, usageQuery } from '../usage-answer.ts';

export const getKeyUsageForPlatformRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/hidden-keys/:key_id/usage',
  operationId: 'getHiddenKeyUsage',
  summary: 'Usage of a hidden user key over time',
  description: usageDescription,
  access: platformCaller('platform:hidden_keys:read'),
  params: z.strictObject({ key_id: keyId }),
  query: usageQuery,
  body: noBody,
  success: { 200: 'The time series and its totals.' },
  answer: usageAnswer,
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ReadParts, { params, query, caller }) {
    const usage = await getKeyUsage(parts, caller.principal, params.key_id, query);
    return { status: 200, body: toUsageAnswer(params.key_id, usage) };
  },
});
