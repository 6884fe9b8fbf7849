import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import { getKey } from '../../usecases/user-keys/get-key.ts';
import type { ReadParts } from '../../usecases/user-keys/key-with-usage.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { keyId, noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { keyFields, toKeyAnswer } from './key-answers.ts';

const getsKey = {
  method: 'get',
  description: 'Its settings, state and usage; never its secret.',
  params: z.strictObject({ key_id: keyId }),
  query: noQuery,
  body: noBody,
  success: { 200: 'The key.' },
  answer: z.strictObject(keyFields),
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ReadParts, { params, caller }: { params: { key_id: string }; caller: Caller }) {
    const found = await getKey(parts, caller.principal, params.key_id);
    return { status: 200, body: toKeyAnswer(found, parts.clock.now()) };
  },
} as const;

export const getKeyRoute = defineRoute({
  ...getsKey,
  path: '/v1/flowplate/api-keys/:key_id',
  operationId: 'getKey',
  summary: 'Look at one key',
  access: masterKey('keys:read'),
});

export const getKeyForPlatformRoute = defineRoute({
  ...getsKey,
  path: '/api/v1/platform/hidden-keys/:key_id',
  operationId: 'getHiddenKey',
  summary: 'Look at one hidden user key',
  access: platformCaller('platform:hidden_keys:read', 'confined'),
});
