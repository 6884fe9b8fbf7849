import { z } from 'zod';
import type { ChangeParts } from '../../usecases/change.ts';
import { deleteTenant } from '../../usecases/organizations/delete-organization.ts';
import { operator } from '../access/operator.ts';
import { propagationFields, statusOf, toPropagation } from '../propagation.ts';
import { defineRoute } from '../route.ts';
import { noBody, noQuery } from '../user-keys/key-schemas.ts';
import { tenantId } from './organization-schemas.ts';

export const deleteTenantRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/tenants/:id',
  operationId: 'deleteTenant',
  summary: 'Delete a tenant',
  description:
    'All its keys are refused at once and for good, however many there are: one row says so. The rows of its keys, usage and audit stay, its id cannot be used again, and no operator can enter it. Again is not found.',
  access: operator('platform:tenants:manage'),
  params: tenantId,
  query: noQuery,
  body: noBody,
  success: {
    200: 'Deleted; every verifier refuses its keys.',
    202: 'Deleted and durable; some verifier has not confirmed it yet (see `propagation_detail.effective_by`).',
  },
  answer: z.strictObject({ success: z.literal(true), deleted: z.string(), ...propagationFields }),
  errors: ['ORGANIZATION_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller }) {
    const propagation = await deleteTenant(parts, caller, params.id);
    return {
      status: statusOf(propagation),
      body: { success: true as const, deleted: params.id, ...toPropagation(propagation, caller.principal) },
    };
  },
});
