import { z } from 'zod';
import type { ForeignPatterns } from '../../domain/foreign-pattern.ts';
import { revisionMemoryMs } from '../../revocation/remembered-revisions.ts';
import { type RegisterParts, registerVerifier } from '../../usecases/verifiers/register-verifier.ts';
import type { VerifyParts } from '../../verify/verify-key.ts';
import { masterKey } from '../access/master-key.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { recentChange, seq, toRecentChange } from './verifier-schemas.ts';

type Parts = {
  verifiers: RegisterParts;
  verify: Pick<VerifyParts, 'clock'>;
  foreignPatterns: ForeignPatterns;
};

export const registerVerifierRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/verifiers',
  operationId: 'registerVerifier',
  summary: 'Register a verifier that is embedded in a gateway',
  description:
    'For the SDK, which verifies from memory with the guarantee of the API itself. Heartbeats extend its lease; revokes wait for all verifiers with a lease. The verifier must empty its caches now. A master key has at most `VERIFIERS_PER_MASTER_KEY_MAX` verifiers with a lease at a time.',
  access: masterKey('keys:verify:embedded'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({
    lease: z
      .enum(['now', 'first_heartbeat'])
      .default('now')
      .describe(
        'When the first lease begins. With `first_heartbeat` nothing waits for this verifier before that, and `recent` is empty: its memory holds only records whose `as_of_seq` is not before `applied_seq`. With `now` the answer brings what changed lately, or is 503 when that is too much.',
      ),
  }),
  success: { 201: 'Registered.' },
  answer: z.strictObject({
    verifier_id: z.uuid(),
    lease_ms: z
      .int()
      .describe("Length of a lease, from the moment its request was sent, by the sender's monotonic clock"),
    applied_seq: seq.describe('Start position in the feed'),
    server_time_ms: z.number().describe('Unix milliseconds'),
    master_key_id: z.string().describe('Id of its own master key in the feed'),
    refused_organizations: z.array(z.string()),
    foreign_key_patterns: z
      .array(z.string())
      .describe('Shapes of keys of other products that it has to look for (`FOREIGN_KEY_PATTERNS`)'),
    recent: z.array(recentChange).describe('With `now`: recent changes, which cached records may predate'),
  }),
  errors: ['RATE_LIMITED'],
  async handle(parts: Parts, { body, caller }) {
    const registered = await registerVerifier(parts.verifiers, caller.principal, {
      isLive: body.lease === 'now',
      memoryMs: revisionMemoryMs,
    });
    return {
      status: 201,
      body: {
        verifier_id: registered.verifierId,
        lease_ms: parts.verifiers.leaseMs,
        applied_seq: registered.appliedSeq,
        server_time_ms: parts.verify.clock.nowMs(),
        master_key_id: caller.principal.id,
        refused_organizations: registered.refusedOrganizations,
        foreign_key_patterns: parts.foreignPatterns.map(String),
        recent: registered.recent.map(toRecentChange),
      },
    };
  },
});
