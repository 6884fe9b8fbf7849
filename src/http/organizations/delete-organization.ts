import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { deleteOrganization } from '../../usecases/organizations/delete-organization.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { propagationFields, statusOf, toPropagation } from '../propagation.ts';
import { defineRoute } from '../route.ts';
import { organizationIdParam } from './organization-schemas.ts';

export const deleteOrganizationRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/tenants/:id',
  operationId: 'deleteTenant',
  summary: 'Delete a tenant',
  description:
    'All its keys are refused at once and for good. Its keys, usage and audit events stay in the database, its id cannot be used again, and no operator can enter it. Repeating it gives 404.',
  access: platformCaller('platform:tenants:manage', 'confined'),
  params: organizationIdParam,
  query: noQuery,
  body: noBody,
  success: {
    200: 'Deleted; every verifier refuses its keys.',
    202: 'Deleted, but some verifier has not applied it yet (see `propagation_detail.effective_by`).',
  },
  answer: z.strictObject({ success: z.literal(true), deleted: z.string(), ...propagationFields }),
  errors: ['ORGANIZATION_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller }) {
    const propagation = await deleteOrganization(parts, caller, params.id);
    return {
      status: statusOf(propagation),
      body: { success: true as const, deleted: params.id, ...toPropagation(propagation, caller.principal) },
    };
  },
});
