import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import { type ReleaseReason, releaseReasons } from '../../domain/release-reason.ts';
import type { ChangeParts } from '../../usecases/change.ts';
import { releaseKey } from '../../usecases/user-keys/release-key.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { keyId, noQuery } from '../fields.ts';
import { propagationFields, toPropagation } from '../propagation.ts';
import { defineRoute } from '../route.ts';
import { keyFields, toKeyAnswer } from './key-answers.ts';

type Asked = { params: { key_id: string }; body: { reason?: ReleaseReason | undefined }; caller: Caller };

const releasesKey = {
  method: 'post',
  description:
    'Within an hour of the report: the key is what it was before. Afterwards, and for a key that is in no quarantine, 409 `KEY_NOT_QUARANTINED`. 409 `KEY_ALREADY_EXISTS` when another key was minted for its owner meanwhile.',
  params: z.strictObject({ key_id: keyId }),
  query: noQuery,
  body: z.strictObject({
    reason: z
      .enum(releaseReasons)
      .optional()
      .describe('Why it was no leak: kept in the audit log. `unspecified` unless set'),
  }),
  success: { 200: 'Released.' },
  answer: z.strictObject({ ...keyFields, ...propagationFields }),
  errors: ['KEY_NOT_FOUND', 'KEY_NOT_QUARANTINED', 'KEY_ALREADY_EXISTS'],
  async handle(parts: ChangeParts, { params, body, caller }: Asked) {
    const { propagation, ...released } = await releaseKey(parts, caller, params.key_id, body.reason);
    const key = toKeyAnswer(released, parts.clock.now());
    return { status: 200, body: { ...key, ...toPropagation(propagation, caller.principal) } };
  },
} as const;

export const releaseKeyRoute = defineRoute({
  ...releasesKey,
  path: '/v1/flowplate/api-keys/:key_id/release',
  operationId: 'releaseKey',
  summary: 'Release a quarantined key',
  access: masterKey('keys:mint'),
});

export const releaseKeyForPlatformRoute = defineRoute({
  ...releasesKey,
  path: '/api/v1/platform/hidden-keys/:key_id/release',
  operationId: 'releaseHiddenKey',
  summary: 'Release a quarantined hidden user key',
  access: platformCaller('platform:hidden_keys:manage', 'confined'),
});
