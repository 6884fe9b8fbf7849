import { z } from 'zod';
import { getKey } from '../../../usecases/user-keys/get-key.ts';
import type { ReadParts } from '../../../usecases/user-keys/key-with-usage.ts';
import { platformCaller } from '../../access/platform-caller.ts';
import { defineRoute } from '../../route.ts';
import { keyFields, toKeyAnswer } from '../key-answers.ts';
import { keyId, noBody, noQuery } from '../key-schemas.ts';

export const getKeyForPlatformRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/hidden-keys/:key_id',
  operationId: 'getHiddenKey',
  summary: 'Look at one hidden user key',
  description: 'Its settings, state and usage; never its secret.',
  access: platformCaller('platform:hidden_keys:read'),
  params: z.strictObject({ key_id: keyId }),
  query: noQuery,
  body: noBody,
  success: { 200: 'The key.' },
  answer: z.strictObject(keyFields),
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ReadParts, { params, caller }) {
    const found = await getKey(parts, caller.principal, params.key_id);
    return { status: 200, body: toKeyAnswer(found, parts.clock.now()) };
  },
});
