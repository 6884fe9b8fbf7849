import { z } from 'zod';
import { listRoles } from '../../usecases/roles/list-roles.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { roleAnswer, toRoleAnswer } from './role-schemas.ts';

export const listRolesRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/roles',
  operationId: 'listRoles',
  summary: 'List roles',
  description: 'All roles, the built-in ones first.',
  access: platformCaller('platform:roles:read'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The roles.' },
  answer: z.array(roleAnswer),
  errors: [],
  async handle(parts: Parameters<typeof listRoles>[0]) {
    return { status: 200, body: (await listRoles(parts)).map(toRoleAnswer) };
  },
});
