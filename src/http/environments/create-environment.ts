import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { createEnvironment } from '../../usecases/environments/create-environment.ts';
import { organizationCaller } from '../access/organization-caller.ts';
import { environmentSlug, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { environmentFields, toEnvironmentAnswer } from './environment-schemas.ts';

export const createEnvironmentRoute = defineRoute({
  method: 'post',
  path: '/api/v1/environments',
  operationId: 'createEnvironment',
  summary: 'Create an environment',
  description: 'The name is part of the secrets of hidden user keys, and cannot be changed.',
  access: organizationCaller('manage'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ name: environmentSlug }),
  success: { 201: 'Created.' },
  answer: z.strictObject(environmentFields),
  errors: ['ENVIRONMENT_ALREADY_EXISTS'],
  async handle(parts: ChangeParts, { body, caller }) {
    return { status: 201, body: toEnvironmentAnswer(await createEnvironment(parts, caller, body.name)) };
  },
});
