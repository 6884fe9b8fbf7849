import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { updateKey } from '../../usecases/keys/update-key.ts';
import { masterKey } from '../access/master-key.ts';
import { propagationFields, toPropagation } from '../propagation.ts';
import { defineRoute } from '../route.ts';
import { keyFields, toKeyAnswer } from './key-answers.ts';
import { keyId, noQuery, toSettings, updateBody } from './key-schemas.ts';

export const updateKeyRoute = defineRoute({
  method: 'patch',
  path: '/v1/flowplate/api-keys/:key_id',
  operationId: 'updateKey',
  summary: "Change a key's settings",
  description:
    'Only what is named changes; null takes an option away. A predecessor in its grace changes along. `enabled: false` stops the key until it is enabled again.',
  access: masterKey('keys:mint'),
  params: z.strictObject({ key_id: keyId }),
  query: noQuery,
  body: updateBody,
  success: { 200: 'Changed.' },
  answer: z.strictObject({ ...keyFields, ...propagationFields }),
  errors: ['KEY_NOT_FOUND', 'KEY_NOT_ACTIVE'],
  async handle(parts: ChangeParts, { params, body, caller }) {
    const { propagation, ...updated } = await updateKey(parts, caller, params.key_id, toSettings(body));
    return {
      status: 200,
      body: { ...toKeyAnswer(updated, parts.clock.now()), ...toPropagation(propagation) },
    };
  },
});
