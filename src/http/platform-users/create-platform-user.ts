import { z } from 'zod';
import { createPlatformUser } from '../../usecases/platform-users/create-platform-user.ts';
import type { PlatformUserParts } from '../../usecases/platform-users/platform-user-parts.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import {
  displayName,
  email,
  newPassword,
  roleIds,
  toUserAnswer,
  userAnswer,
} from './platform-user-schemas.ts';

export const createUserRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/users',
  operationId: 'createPlatformUser',
  summary: 'Create a platform user',
  description: 'A user without roles can log in, and has no permissions.',
  access: platformCaller('super-admin'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ email, password: newPassword, name: displayName, role_ids: roleIds.optional() }),
  success: { 201: 'The user.' },
  answer: userAnswer,
  errors: ['STEP_UP_REQUIRED', 'EMAIL_ALREADY_EXISTS'],
  async handle(parts: PlatformUserParts, { body, caller }) {
    const { role_ids: roleIds = [], ...wanted } = body;
    const user = await createPlatformUser(parts, caller, { ...wanted, roleIds });
    return { status: 201, body: toUserAnswer(user) };
  },
});
