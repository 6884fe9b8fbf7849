import { z } from 'zod';
import { getOrganization } from '../../usecases/organizations/get-organization.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import {
  organizationDetailsFields,
  organizationIdParam,
  toOrganizationDetailsAnswer,
} from './organization-schemas.ts';

export const getOrganizationRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/tenants/:id',
  operationId: 'getTenant',
  summary: 'Look at one tenant',
  description: 'With its counts. A deleted tenant gives 404.',
  access: platformCaller('platform:tenants:read', 'confined'),
  params: organizationIdParam,
  query: noQuery,
  body: noBody,
  success: { 200: 'The tenant.' },
  answer: z.strictObject(organizationDetailsFields),
  errors: ['ORGANIZATION_NOT_FOUND'],
  async handle(parts: Parameters<typeof getOrganization>[0], { params, caller }) {
    const found = await getOrganization(parts, caller.principal, params.id);
    return { status: 200, body: toOrganizationDetailsAnswer(found) };
  },
});
