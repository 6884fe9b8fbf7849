import { z } from 'zod';
import { provisionOrganization } from '../../usecases/organizations/provision-organization.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { organizationFields, organizationName, toOrganizationAnswer } from './organization-schemas.ts';

export const provisionOrganizationRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/tenants',
  operationId: 'provisionTenant',
  summary: 'Provision a tenant',
  description: 'A new organization with the environment `default`. Names need not be unique; ids are.',
  access: platformCaller('platform:tenants:manage'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ name: organizationName }),
  success: { 201: 'Provisioned.' },
  answer: z.strictObject(organizationFields),
  errors: [],
  async handle(parts: Parameters<typeof provisionOrganization>[0], { body, caller }) {
    return { status: 201, body: toOrganizationAnswer(await provisionOrganization(parts, caller, body)) };
  },
});
