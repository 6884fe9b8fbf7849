import { z } from 'zod';
import { type RemoveParts, removeVerifier } from '../../usecases/verifiers/remove-verifier.ts';
import { masterKey } from '../access/master-key.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { verifierParams } from './verifier-schemas.ts';

export const removeVerifierRoute = defineRoute({
  method: 'delete',
  path: '/v1/flowplate/verifiers/:verifier_id',
  operationId: 'removeVerifier',
  summary: 'End the lease of an embedded verifier',
  description: 'Revokes then no longer wait for a gateway that has stopped.',
  access: masterKey('keys:verify:embedded'),
  params: verifierParams,
  query: noQuery,
  body: noBody,
  success: { 204: 'Given back.' },
  answer: z.undefined(),
  errors: ['VERIFIER_NOT_FOUND'],
  async handle(parts: { verifiers: RemoveParts }, { params, caller }) {
    await removeVerifier(parts.verifiers, caller.principal, params.verifier_id);
    return { status: 204, body: undefined };
  },
});
