import { z } from 'zod';
import { platformPermissions } from '../../domain/permission.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';

export const getMeRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/auth/me',
  operationId: 'getMe',
  summary: 'The caller of this credential',
  description: 'With current permissions: a change of roles or status applies from the next request.',
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The operator.' },
  answer: z.strictObject({
    kind: z.enum(['platform_user', 'platform_key']),
    id: z.string(),
    name: z.string(),
    role_ids: z.array(z.string()),
    permissions: z.array(z.enum(platformPermissions)),
    lacks_second_factor: z
      .boolean()
      .describe('Whether this session may do nothing until it has a second factor'),
  }),
  errors: [],
  async handle(_parts: unknown, { caller: { principal } }) {
    const { kind, id, name, roleIds, permissions, lacksSecondFactor } = principal;
    const rights = { role_ids: [...roleIds], permissions: [...permissions] };
    return { status: 200, body: { kind, id, name, ...rights, lacks_second_factor: lacksSecondFactor } };
  },
});
