import { z } from 'zod';
import { getTenant } from '../../usecases/organizations/get-organization.ts';
import { operator } from '../access/operator.ts';
import { defineRoute } from '../route.ts';
import { noBody, noQuery } from '../user-keys/key-schemas.ts';
import { shownTenantFields, tenantId, toShownTenantAnswer } from './organization-schemas.ts';

export const getTenantRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/tenants/:id',
  operationId: 'getTenant',
  summary: 'Look at one tenant',
  description: 'With how much it has. A deleted one is not found.',
  access: operator('platform:tenants:read'),
  params: tenantId,
  query: noQuery,
  body: noBody,
  success: { 200: 'The tenant.' },
  answer: z.strictObject(shownTenantFields),
  errors: ['ORGANIZATION_NOT_FOUND'],
  async handle(parts: Parameters<typeof getTenant>[0], { params }) {
    return { status: 200, body: toShownTenantAnswer(await getTenant(parts, params.id)) };
  },
});
