import { z } from 'zod';
import { revokeMasterKey } from '../../usecases/master-keys/revoke-master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { propagationFields, statusOf, toPropagation } from '../propagation.ts';
import { reasonFields, reasonOf } from '../revocation-reason.ts';
import { defineRoute } from '../route.ts';
import { masterKeyId } from './master-key-schemas.ts';

export const revokeMasterKeyRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/master-keys/:id/revoke',
  operationId: 'revokeMasterKey',
  summary: 'Revoke a master key',
  description: 'The keys that it minted keep working. Repeating it is a success.',
  access: platformCaller('super-admin'),
  params: masterKeyId,
  query: reasonFields,
  body: reasonFields,
  success: {
    200: 'Revoked everywhere.',
    202: 'Revoked, but some verifier has not applied it yet (see `propagation_detail.effective_by`).',
  },
  answer: z.strictObject({ success: z.literal(true), message: z.string(), ...propagationFields }),
  errors: ['MASTER_KEY_NOT_FOUND'],
  async handle(parts: Parameters<typeof revokeMasterKey>[0], { params, caller, ...given }) {
    const propagation = await revokeMasterKey(parts, caller, params.id, reasonOf(given));
    return {
      status: statusOf(propagation),
      body: {
        success: true as const,
        message: 'Master key revoked',
        ...toPropagation(propagation, caller.principal),
      },
    };
  },
});
