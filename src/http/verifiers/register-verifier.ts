import { z } from 'zod';
import { type RegisterParts, registerVerifier } from '../../usecases/verifiers/register-verifier.ts';
import { revisionMemoryMs } from '../../verify/record-cache.ts';
import type { VerifyParts } from '../../verify/verify-key.ts';
import { masterKey } from '../access/master-key.ts';
import { noBody, noParams, noQuery } from '../flowplate/key-schemas.ts';
import { defineRoute } from '../route.ts';
import { recentChange, seq, toRecentChange } from './verifier-schemas.ts';

export const registerVerifierRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/verifiers',
  operationId: 'registerVerifier',
  summary: 'Register a verifier that is embedded in a gateway',
  description:
    'For the SDK, which verifies from memory with the same guarantee as the API itself. The answer opens a lease that heartbeats keep alive; revokes wait for everyone who holds one. From here on the verifier forgets all it knew before.',
  access: masterKey('keys:verify'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 201: 'Registered.' },
  answer: z.strictObject({
    verifier_id: z.uuid(),
    lease_ms: z
      .int()
      .describe("Holds for so long from when the request was sent, by the sender's monotonic clock"),
    applied_seq: seq.describe('Where its feed begins'),
    server_time_ms: z.number().describe('Unix milliseconds'),
    master_key_id: z.string().describe('Its own credential, as the feed names it'),
    refused_organizations: z.array(z.string()),
    recent: z.array(recentChange).describe('What changed while a record that is still in a cache was read'),
  }),
  errors: [],
  async handle(parts: { verifiers: RegisterParts; verify: Pick<VerifyParts, 'clock'> }, { caller }) {
    const registered = await registerVerifier(parts.verifiers, caller.principal, revisionMemoryMs);
    return {
      status: 201,
      body: {
        verifier_id: registered.verifierId,
        lease_ms: parts.verifiers.leaseMs,
        applied_seq: registered.appliedSeq,
        server_time_ms: parts.verify.clock.nowMs(),
        master_key_id: caller.principal.id,
        refused_organizations: registered.refusedOrganizations,
        recent: registered.recent.map(toRecentChange),
      },
    };
  },
});
