import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { erasePerson } from '../../usecases/people/erase-person.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { personParams } from './person-schemas.ts';

export const erasePersonRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/people/:id',
  operationId: 'erasePerson',
  summary: 'Erase the name and e-mail address of a deleted user',
  description:
    'Permanent. The audit log keeps the id, and its hash chain stays valid. The user has to be deleted first. Events that brokers before 0.3.0 wrote are sealed with the name and address in them, and stay as they are.',
  access: platformCaller('super-admin'),
  params: personParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'Erased, now or before.' },
  answer: z.strictObject({ success: z.literal(true), erased: z.string() }),
  errors: ['PERSON_NOT_FOUND', 'PERSON_IN_USE'],
  async handle(parts: ChangeParts, { params, caller }) {
    await erasePerson(parts, caller, params.id);
    return { status: 200, body: { success: true as const, erased: params.id } };
  },
});
