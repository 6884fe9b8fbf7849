import { z } from 'zod';
import type { ApiUserParts } from '../../usecases/api-users/api-user-parts.ts';
import { rotateApiUserKey } from '../../usecases/api-users/rotate-api-user-key.ts';
import { apiUserAdmin } from '../access/api-user.ts';
import { noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import {
  apiUserParams,
  pendingFields,
  pendingMeans,
  replayed,
  secretFields,
  settled,
  toSecret,
} from './api-user-schemas.ts';

export const rotateApiUserKeyRoute = defineRoute({
  method: 'post',
  path: '/users/:id/rotate-key',
  operationId: 'rotateApiUserKey',
  summary: "Replace an API user's key",
  description: 'The old key is refused at once; usage carries over.',
  access: apiUserAdmin(),
  params: apiUserParams,
  query: noQuery,
  body: z.strictObject({}),
  success: { 200: 'Rotated. The secret is in this answer and nowhere else.', 202: pendingMeans },
  answer: z.strictObject({ success: z.literal(true), ...secretFields, ...pendingFields }),
  errors: ['USER_NOT_FOUND'],
  idempotent: true,
  async handle(parts: ApiUserParts, { params, caller, idempotency }) {
    const { secret, propagation, isReplay } = await rotateApiUserKey(parts, caller, params.id, idempotency);
    const body = { success: true as const, ...toSecret(secret) };
    return { ...settled(propagation, body), ...replayed(isReplay) };
  },
});
