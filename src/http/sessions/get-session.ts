import { z } from 'zod';
import { anybody } from '../access/anybody.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';

export const getSessionRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/session',
  operationId: 'getSession',
  summary: 'Whether the platform has a user',
  description: 'False until the first platform user is created with a tenant key.',
  access: anybody(),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The state of the platform.' },
  answer: z.strictObject({ bootstrapped: z.boolean() }),
  errors: [],
  async handle(parts: { isPlatformBootstrapped(): Promise<boolean> }) {
    return { status: 200, body: { bootstrapped: await parts.isPlatformBootstrapped() } };
  },
});
