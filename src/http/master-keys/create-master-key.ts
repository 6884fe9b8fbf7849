import type { z } from 'zod';
import { masterKeyPermissions } from '../../domain/permission.ts';
import { requireFuture } from '../../domain/require-future.ts';
import { createMasterKey } from '../../usecases/master-keys/create-master-key.ts';
import type { MasterKeyRequest } from '../../usecases/master-keys/issue-master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { createdMasterKey, masterKeyBody, toCreatedAnswer } from './master-key-schemas.ts';

export const createMasterKeyRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/master-keys',
  operationId: 'createMasterKey',
  summary: 'Create a master key',
  description:
    'For an internal backend or a gateway. Omitted lists are unrestricted, so name only what it needs. A session must have begun or been confirmed in the last 10 minutes (step-up).',
  access: platformCaller('super-admin'),
  params: noParams,
  query: noQuery,
  body: masterKeyBody,
  success: { 201: 'Created. The secret is in this answer and nowhere else.' },
  answer: createdMasterKey,
  errors: ['STEP_UP_REQUIRED'],
  idempotent: true,
  async handle(parts: Parameters<typeof createMasterKey>[0], { body, caller, idempotency }) {
    const request = toRequest(body);
    requireFuture(request.expiresAt, parts.clock.now());
    const { isReplay, ...created } = await createMasterKey(parts, caller, request, idempotency);
    return {
      status: 201,
      body: toCreatedAnswer(created),
      ...(isReplay && { headers: { 'Idempotency-Replayed': 'true' } }),
    };
  },
});

function toRequest(body: z.output<typeof masterKeyBody>): MasterKeyRequest {
  return {
    name: body.name,
    permissions: body.permissions ?? [...masterKeyPermissions],
    organizationIds: body.organization_ids ?? null,
    environments: body.environments ?? null,
    ipAllowlist: body.ip_allowlist ?? null,
    expiresAt: body.expires_at ?? null,
    settings: {
      mintQuota: body.mint_quota ?? null,
      livingKeysMax: body.living_keys_max ?? null,
      keyAgeSecondsMax: body.key_age_seconds_max ?? null,
    },
  };
}
