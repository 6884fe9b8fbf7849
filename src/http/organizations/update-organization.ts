import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { updateOrganization } from '../../usecases/organizations/update-organization.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noQuery } from '../fields.ts';
import { propagationFields, toPropagation } from '../propagation.ts';
import { defineRoute } from '../route.ts';
import {
  organizationFields,
  organizationIdParam,
  organizationName,
  toOrganizationAnswer,
} from './organization-schemas.ts';

export const updateOrganizationRoute = defineRoute({
  method: 'patch',
  path: '/api/v1/platform/tenants/:id',
  operationId: 'updateTenant',
  summary: 'Rename, suspend or resume a tenant',
  description:
    'All keys of a suspended tenant are refused, hidden user keys and its own; resumed, they work again. Operators can still read and change it.',
  access: platformCaller('platform:tenants:manage', 'confined'),
  params: organizationIdParam,
  query: noQuery,
  body: z
    .strictObject({
      name: organizationName.optional(),
      status: z.enum(['active', 'suspended']).optional(),
    })
    .refine((body) => Object.keys(body).length > 0, 'must change something'),
  success: { 200: 'Changed. `propagation` says whether every verifier has applied the status.' },
  answer: z.strictObject({ ...organizationFields, ...propagationFields }),
  errors: ['ORGANIZATION_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, body, caller }) {
    const { tenant, propagation } = await updateOrganization(parts, caller, params.id, body);
    return {
      status: 200,
      body: { ...toOrganizationAnswer(tenant), ...toPropagation(propagation, caller.principal) },
    };
  },
});
