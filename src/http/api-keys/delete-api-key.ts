import { z } from 'zod';
import { deleteApiKey } from '../../usecases/api-keys/delete-api-key.ts';
import type { ChangeParts } from '../../usecases/change.ts';
import { organizationOrPlatformCaller } from '../access/organization-caller.ts';
import { propagationFields, statusOf, toPropagation } from '../propagation.ts';
import { reasonFields, reasonOf } from '../revocation-reason.ts';
import { defineRoute } from '../route.ts';
import { apiKeyParams } from './api-key-schemas.ts';

export const deleteApiKeyRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/apikeys/:id',
  operationId: 'deleteApiKey',
  summary: 'Remove a tenant or platform key',
  description: 'The key is refused from now on, and no longer listed. The audit log keeps its history.',
  access: organizationOrPlatformCaller('manage', 'platform:keys:manage'),
  params: apiKeyParams,
  query: reasonFields,
  body: reasonFields,
  success: {
    200: 'Removed, and refused everywhere.',
    202: 'Removed, but some verifier has not applied it yet (see `propagation_detail.effective_by`).',
  },
  answer: z.strictObject({ success: z.literal(true), deleted: z.string(), ...propagationFields }),
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller, ...given }) {
    const propagation = await deleteApiKey(parts, caller, params.id, reasonOf(given));
    return {
      status: statusOf(propagation),
      body: { success: true as const, deleted: params.id, ...toPropagation(propagation, caller.principal) },
    };
  },
});
