import { z } from 'zod';
import { bootstrapPlatform } from '../../usecases/platform-users/bootstrap-platform.ts';
import type { PlatformUserParts } from '../../usecases/platform-users/platform-user-parts.ts';
import { tenantKey } from '../access/organization-caller.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { displayName, email, newPassword, toUserAnswer, userAnswer } from './platform-user-schemas.ts';

export const bootstrapRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/bootstrap',
  operationId: 'bootstrapPlatform',
  summary: 'Create the first platform user',
  description:
    'Creates a super-admin. Works only while there is no platform user; of several requests at once one succeeds. Needs the tenant key that the first start prints.',
  access: tenantKey('manage'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ email, password: newPassword, name: displayName }),
  success: { 201: 'The first super-admin.' },
  answer: userAnswer,
  errors: ['ALREADY_BOOTSTRAPPED'],
  async handle(parts: PlatformUserParts, { body, caller }) {
    return { status: 201, body: toUserAnswer(await bootstrapPlatform(parts, caller, body)) };
  },
});
