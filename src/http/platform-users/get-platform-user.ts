import { getPlatformUser } from '../../usecases/platform-users/get-platform-user.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { toUserAnswer, userAnswer, userParams } from './platform-user-schemas.ts';

export const getUserRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/users/:id',
  operationId: 'getPlatformUser',
  summary: 'Get a platform user',
  description: 'As the list shows them.',
  access: platformCaller('platform:users:read'),
  params: userParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The user.' },
  answer: userAnswer,
  errors: ['USER_NOT_FOUND'],
  async handle(parts: Parameters<typeof getPlatformUser>[0], { params }) {
    return { status: 200, body: toUserAnswer(await getPlatformUser(parts, params.id)) };
  },
});
