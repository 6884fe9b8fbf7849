import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { updateKey } from '../../usecases/user-keys/update-key.ts';
import { masterKey } from '../access/master-key.ts';
import { keyId, noQuery } from '../fields.ts';
import { propagationFields, toPropagation } from '../propagation.ts';
import { defineRoute } from '../route.ts';
import { keyFields, toKeyAnswer } from './key-answers.ts';
import { keyMergePatch, keyPatch } from './key-patch.ts';

export const updateKeyRoute = defineRoute({
  method: 'patch',
  path: '/v1/flowplate/api-keys/:key_id',
  operationId: 'updateKey',
  summary: "Change a key's settings",
  description:
    'Only named fields change; null removes an option. `metadata`, `rate_limit` and `quota` are replaced as a whole, or merged with `application/merge-patch+json` (RFC 7396). Predecessors in grace change too. `enabled: false` disables the key until it is enabled again.',
  access: masterKey('keys:mint'),
  params: z.strictObject({ key_id: keyId }),
  query: noQuery,
  body: keyPatch,
  mergePatchBody: keyMergePatch,
  success: { 200: 'Changed.' },
  answer: z.strictObject({ ...keyFields, ...propagationFields }),
  errors: ['KEY_NOT_FOUND', 'KEY_NOT_ACTIVE'],
  async handle(parts: ChangeParts, { params, body, caller }) {
    const { replaced, mergeInto } = body;
    const { propagation, ...updated } = await updateKey(parts, caller, params.key_id, replaced, mergeInto);
    return {
      status: 200,
      body: { ...toKeyAnswer(updated, parts.clock.now()), ...toPropagation(propagation) },
    };
  },
});
