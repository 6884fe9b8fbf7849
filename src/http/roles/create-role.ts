import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { createRole } from '../../usecases/roles/create-role.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { roleAnswer, roleSettings, toRoleAnswer } from './role-schemas.ts';

export const createRoleRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/roles',
  operationId: 'createRole',
  summary: 'Create a role',
  description: 'A named list of permissions. The caller must hold all of them.',
  access: platformCaller('platform:roles:manage'),
  params: noParams,
  query: noQuery,
  body: z.strictObject(roleSettings),
  success: { 201: 'The role.' },
  answer: roleAnswer,
  errors: ['ROLE_ALREADY_EXISTS'],
  async handle(parts: ChangeParts, { body, caller }) {
    const settings = { ...body, description: body.description ?? null };
    return { status: 201, body: toRoleAnswer(await createRole(parts, caller, settings)) };
  },
});
