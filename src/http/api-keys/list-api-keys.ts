import { z } from 'zod';
import type { ApiKeyReadParts } from '../../usecases/api-keys/get-api-key.ts';
import { listApiKeys } from '../../usecases/api-keys/list-api-keys.ts';
import { organizationOrPlatformCaller } from '../access/organization-caller.ts';
import { cursorOf, pageLimit, toCursor } from '../cursor.ts';
import { externalId, noBody, noParams, name as searched, timeOf } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { apiKeyFields, apiKeyStatus, toApiKeyAnswer } from './api-key-schemas.ts';

const query = z
  .strictObject({
    name: searched.optional().describe('Part of the name, in any case'),
    prefix: searched.optional().describe('How the key begins, or the part of it that is shown'),
    suffix: searched.optional().describe('End of the key, as it is shown'),
    status: apiKeyStatus.optional(),
    scope: searched.optional(),
    unused_since: timeOf('Never used, or not at or after this time.'),
    created_before: timeOf('Created before this time.'),
    expires_before: timeOf('Active now, and expires before this time.'),
    platform: z.enum(['true', 'false']).optional().describe('Only platform keys, or only tenant keys'),
    organization_id: externalId.optional().describe("One tenant's keys"),
    limit: pageLimit,
    cursor: cursorOf('apiKey').optional(),
  })
  .refine((asked) => asked.platform !== 'true' || asked.organization_id === undefined, {
    path: ['organization_id'],
    message: 'cannot be set together with platform=true',
  });

export const listApiKeysRoute = defineRoute({
  method: 'get',
  path: '/api/v1/apikeys',
  operationId: 'listApiKeys',
  summary: 'List tenant and platform keys',
  description:
    "Newest first. Inside an organization its own keys; an operator without impersonation sees those of all tenants and of the platform. `next_cursor` leads to the next page and stays valid while keys are added; null on the last page. If few of many keys match the filters, a page may be shorter than `limit`, or empty, while more follow. Users' hidden keys are never listed here.",
  access: organizationOrPlatformCaller('read', 'platform:keys:read'),
  params: noParams,
  query,
  body: noBody,
  success: { 200: 'A page of keys.' },
  answer: z.strictObject({
    data: z.array(z.strictObject(apiKeyFields)),
    next_cursor: z.string().nullable(),
  }),
  errors: [],
  async handle(parts: ApiKeyReadParts, { query: asked, caller }) {
    const { items, next } = await listApiKeys(parts, caller.principal, {
      name: asked.name,
      prefix: asked.prefix,
      suffix: asked.suffix,
      status: asked.status,
      scope: asked.scope,
      unusedSince: asked.unused_since,
      createdBefore: asked.created_before,
      expiresBefore: asked.expires_before,
      isPlatform: asked.platform === undefined ? undefined : asked.platform === 'true',
      organizationId: asked.organization_id,
      limit: asked.limit,
      before: asked.cursor,
    });
    const now = parts.clock.now();
    return {
      status: 200,
      body: {
        data: items.map((found) => toApiKeyAnswer(found, now)),
        next_cursor: next === undefined ? null : toCursor(next),
      },
    };
  },
});
