import { z } from 'zod';
import { type HeartbeatParts, heartbeat } from '../../usecases/verifiers/heartbeat.ts';
import type { VerifyParts } from '../../verify/verify-key.ts';
import { masterKey } from '../access/master-key.ts';
import { noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { change, seq, toRecentChange, verifierParams } from './verifier-schemas.ts';

type Parts = {
  verifiers: HeartbeatParts;
  verify: Pick<VerifyParts, 'clock'>;
  isDraining: () => boolean;
};

export const heartbeatRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/verifiers/:verifier_id/heartbeat',
  operationId: 'heartbeat',
  summary: 'Extend the lease of an embedded verifier',
  description:
    'Long poll: reports the applied position, extends the lease, and returns the changes since, at most 1,000, as soon as there are any. Once they are applied, and `has_more` is false, the lease holds until `lease_ms` after the request was sent, less a safety margin. Send the next heartbeat at once, because a revoke waits for it. It must report all changes of the last answer; fewer is `VERIFIER_BEHIND`, and the verifier must empty its caches and register again. The lease of a verifier that is more than one answer behind is not extended until it has caught up. One heartbeat of a verifier waits at a time; a newer one ends the older.',
  access: masterKey('keys:verify:embedded'),
  params: verifierParams,
  query: noQuery,
  body: z.strictObject({
    applied_seq: seq.describe('Position up to which all changes are applied'),
    acknowledged_seq: seq
      .default(0)
      .describe('Position that an earlier answer confirmed. A feed that ends before it is another feed'),
    wait_ms: z.int().min(0).max(5_000).default(0).describe('Time to wait for a change'),
  }),
  success: { 200: 'Extended.' },
  answer: z.strictObject({
    changes: z.array(change),
    applied_seq: seq.describe('Position of the feed after these changes'),
    has_more: z
      .boolean()
      .describe('The feed continues: the lease was not extended, or must not be used without the rest'),
    server_time_ms: z.number().describe('Server time of the answer, Unix milliseconds'),
  }),
  errors: ['VERIFIER_NOT_FOUND', 'VERIFIER_BEHIND', 'RATE_LIMITED'],
  async handle(parts: Parts, { params, body, caller, signal }) {
    const heard = await heartbeat(parts.verifiers, caller.principal, {
      verifierId: params.verifier_id,
      appliedSeq: body.applied_seq,
      acknowledgedSeq: body.acknowledged_seq,
      waitMs: body.wait_ms,
      signal: signal(),
      isDraining: parts.isDraining,
    });
    return {
      status: 200,
      body: {
        changes: heard.changes.map((heardOf) => ({ seq: heardOf.seq, ...toRecentChange(heardOf) })),
        applied_seq: heard.appliedSeq,
        has_more: heard.hasMore,
        server_time_ms: parts.verify.clock.nowMs(),
      },
    };
  },
});
