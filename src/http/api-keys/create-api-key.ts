import { z } from 'zod';
import { isPlainName, plainNameRule } from '../../domain/plain-name.ts';
import { type CreateApiKeyParts, createApiKey } from '../../usecases/api-keys/create-api-key.ts';
import { organizationOrPlatformCaller } from '../access/organization-caller.ts';
import { endTime, environmentSlug, externalId, noParams, noQuery, scopes } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { createdFields, toCreatedAnswer } from './api-key-schemas.ts';

const line = (lengthMax: number) => z.string().min(1).max(lengthMax).refine(isPlainName, plainNameRule);

export const createApiKeyRoute = defineRoute({
  method: 'post',
  path: '/api/v1/apikeys',
  operationId: 'createApiKey',
  summary: 'Create a tenant key or a platform key',
  description:
    'Creates a tenant key inside an organization, with its own key or for an operator who impersonates it. An operator without impersonation creates platform keys, with `platform: true`. Such a key has the roles of its creator unless `role_ids` names fewer, and never more. For a platform key a session must have begun or been confirmed in the last 10 minutes.',
  access: organizationOrPlatformCaller('manage', 'platform:keys:manage'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({
    name: line(200),
    description: line(1_000).nullable().optional(),
    scopes: scopes.optional().describe('`read`, `write` and `admin` count here; others are for your own use'),
    role_ids: z
      .array(externalId)
      .min(1)
      .max(64)
      .transform((all) => [...new Set(all)])
      .optional()
      .describe('Of a platform key'),
    environment: environmentSlug.optional().describe('Of a tenant key; `default` unless set'),
    expires_at: endTime.nullable().optional(),
    platform: z.boolean().optional(),
  }),
  success: { 201: 'Created. The secret is in this answer and nowhere else.' },
  answer: z.strictObject(createdFields),
  errors: ['STEP_UP_REQUIRED'],
  idempotent: true,
  async handle(parts: CreateApiKeyParts, { body, caller, idempotency }) {
    const wanted = {
      name: body.name,
      description: body.description ?? null,
      scopes: body.scopes ?? [],
      expiresAt: body.expires_at ?? null,
      isPlatform: body.platform ?? false,
      roleIds: body.role_ids,
      environment: body.environment,
    };
    const { answer, isReplay } = await createApiKey(parts, caller, wanted, idempotency);
    return {
      status: 201,
      body: toCreatedAnswer(answer),
      ...(isReplay && { headers: { 'Idempotency-Replayed': 'true' } }),
    };
  },
});
