import { getPerson } from '../../usecases/people/get-person.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { personAnswer, personParams, toPersonAnswer } from './person-schemas.ts';

export const getPersonRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/people/:id',
  operationId: 'getPerson',
  summary: 'The person behind an id of the audit log',
  description:
    'The name and e-mail address of a platform user or an API user, also after the user was deleted, until they are erased.',
  access: platformCaller('platform:users:read'),
  params: personParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The person.' },
  answer: personAnswer,
  errors: ['PERSON_NOT_FOUND'],
  async handle(parts: Parameters<typeof getPerson>[0], { params }) {
    return { status: 200, body: toPersonAnswer(await getPerson(parts, params.id)) };
  },
});
