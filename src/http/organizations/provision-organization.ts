import { z } from 'zod';
import { provisionTenant } from '../../usecases/organizations/provision-organization.ts';
import { operator } from '../access/operator.ts';
import { defineRoute } from '../route.ts';
import { noParams, noQuery } from '../user-keys/key-schemas.ts';
import { tenantFields, tenantName, toTenantAnswer } from './organization-schemas.ts';

export const provisionTenantRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/tenants',
  operationId: 'provisionTenant',
  summary: 'Provision a tenant',
  description: 'A new organization with the environment `default`. Names need not be unique; ids are.',
  access: operator('platform:tenants:manage'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ name: tenantName }),
  success: { 201: 'Provisioned.' },
  answer: z.strictObject(tenantFields),
  errors: [],
  async handle(parts: Parameters<typeof provisionTenant>[0], { body, caller }) {
    return { status: 201, body: toTenantAnswer(await provisionTenant(parts, caller, body)) };
  },
});
