import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { deleteEnvironment } from '../../usecases/environments/delete-environment.ts';
import { organizationCaller } from '../access/organization-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { environmentId } from './environment-schemas.ts';

export const deleteEnvironmentRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/environments/:id',
  operationId: 'deleteEnvironment',
  summary: 'Delete an environment',
  description:
    'Refused for `default`, and while a key in it has not ended, hidden user keys included. A later mint with its name creates it again.',
  access: organizationCaller('manage'),
  params: z.strictObject({ id: environmentId }),
  query: noQuery,
  body: noBody,
  success: { 200: 'Deleted.' },
  answer: z.strictObject({ success: z.literal(true), deleted: z.string() }),
  errors: ['ENVIRONMENT_NOT_FOUND', 'ENVIRONMENT_IN_USE'],
  async handle(parts: ChangeParts, { params, caller }) {
    await deleteEnvironment(parts, caller, params.id);
    return { status: 200, body: { success: true as const, deleted: params.id } };
  },
});
