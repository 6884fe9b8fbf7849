import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { updateRole } from '../../usecases/roles/update-role.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { roleAnswer, roleParams, roleSettings, toRoleAnswer } from './role-schemas.ts';

export const updateRoleRoute = defineRoute({
  method: 'put',
  path: '/api/v1/platform/roles/:id',
  operationId: 'updateRole',
  summary: 'Change a role',
  description:
    "Only named fields change. They apply from the next request of the role's users. A session that adds a permission must have begun or been confirmed in the last 10 minutes (step-up).",
  access: platformCaller('platform:roles:manage'),
  params: roleParams,
  query: noQuery,
  body: z
    .strictObject(roleSettings)
    .partial()
    .refine((body) => Object.keys(body).length > 0, 'must change something'),
  success: { 200: 'The role as it is now.' },
  answer: roleAnswer,
  errors: ['STEP_UP_REQUIRED', 'ROLE_NOT_FOUND', 'ROLE_ALREADY_EXISTS', 'ROLE_IMMUTABLE'],
  async handle(parts: ChangeParts, { params, body, caller }) {
    const { name, description, permissions } = body;
    const role = await updateRole(parts, caller, params.id, {
      ...(name !== undefined && { name }),
      ...(description !== undefined && { description }),
      ...(permissions !== undefined && { permissions }),
    });
    return { status: 200, body: toRoleAnswer(role) };
  },
});
