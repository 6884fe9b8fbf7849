import { z } from 'zod';
import { findRefusals } from '../../usecases/user-keys/find-refusals.ts';
import type { RefusalReadParts } from '../../usecases/user-keys/kept-refusals.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { keyId, noBody, noParams, requestId } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { refusalFields, toRefusalAnswer } from './refusal-answers.ts';

export const findRefusalsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/refusals',
  operationId: 'findRefusals',
  summary: 'Find a refusal by its trace id',
  description:
    'For the `trace_id` or `x-request-id` that an end client was told: the key that was refused, and why. A batch has one id for all its keys. Empty when nothing of that id was refused, or it is not kept any more.',
  access: platformCaller('platform:hidden_keys:read'),
  params: noParams,
  query: z.strictObject({ request_id: requestId }),
  body: noBody,
  success: { 200: 'The refusals with this id.' },
  answer: z.array(z.strictObject({ key_id: keyId, ...refusalFields })),
  errors: ['DEPENDENCY_UNAVAILABLE'],
  async handle(parts: RefusalReadParts, { query }) {
    const refusals = await findRefusals(parts, query.request_id);
    const body = refusals.map((refusal) => ({ key_id: refusal.keyId, ...toRefusalAnswer(refusal) }));
    return { status: 200, body };
  },
});
