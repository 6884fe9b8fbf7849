import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import { getKeyUsage } from '../../usecases/usage/get-key-usage.ts';
import type { ReadParts } from '../../usecases/user-keys/key-with-usage.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { keyId, noBody } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { toUsageAnswer, usageAnswer, usageDescription, usageQuery } from './usage-answer.ts';

type Asked = { params: { key_id: string }; query: z.output<typeof usageQuery>; caller: Caller };

const getsUsage = {
  method: 'get',
  description: usageDescription,
  params: z.strictObject({ key_id: keyId }),
  query: usageQuery,
  body: noBody,
  success: { 200: 'The time series and its totals.' },
  answer: usageAnswer,
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ReadParts, { params, query, caller }: Asked) {
    const usage = await getKeyUsage(parts, caller.principal, params.key_id, query);
    return { status: 200, body: toUsageAnswer(params.key_id, usage) };
  },
} as const;

export const getKeyUsageRoute = defineRoute({
  ...getsUsage,
  path: '/v1/flowplate/api-keys/:key_id/usage',
  operationId: 'getKeyUsage',
  summary: 'Usage of a key over time',
  access: masterKey('usage:read'),
});

export const getKeyUsageForPlatformRoute = defineRoute({
  ...getsUsage,
  path: '/api/v1/platform/hidden-keys/:key_id/usage',
  operationId: 'getHiddenKeyUsage',
  summary: 'Usage of a hidden user key over time',
  access: platformCaller('platform:hidden_keys:read', 'confined'),
});
