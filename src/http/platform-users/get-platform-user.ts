import { getOperator } from '../../usecases/platform-users/get-platform-user.ts';
import { operator } from '../access/operator.ts';
import { defineRoute } from '../route.ts';
import { noBody, noQuery } from '../user-keys/key-schemas.ts';
import { toUserAnswer, userAnswer, userParams } from './platform-user-schemas.ts';

export const getUserRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/users/:id',
  operationId: 'getPlatformUser',
  summary: 'Get a platform user',
  description: 'As the list shows them.',
  access: operator('platform:users:read'),
  params: userParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The user.' },
  answer: userAnswer,
  errors: ['USER_NOT_FOUND'],
  async handle(parts: Parameters<typeof getOperator>[0], { params }) {
    return { status: 200, body: toUserAnswer(await getOperator(parts, params.id)) };
  },
});
