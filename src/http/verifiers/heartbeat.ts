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
    'Says what was applied, extends the lease, and answers with the changes since, at most 1,000, as soon as there are any. Once they are applied, and `has_more` is false, the lease holds until `lease_ms` after the request was sent, less a safety margin; the next heartbeat, sent at once, is what a waiting revoke waits for. It must report what the last answer contained: less is `VERIFIER_BEHIND`, and the verifier has to empty its caches and register anew. The lease of one that is more than an answer behind is not extended until it has caught up. One heartbeat of a verifier waits at a time; a newer one ends the older.',
  access: masterKey('keys:verify:embedded'),
  params: verifierParams,
  query: noQuery,
  body: z.strictObject({
    applied_seq: seq.describe('Every change up to here has been applied'),
    acknowledged_seq: seq
      .default(0)
      .describe('What an earlier answer confirmed: a feed that knows less is not the same feed any more'),
    wait_ms: z.int().min(0).max(5_000).default(0).describe('How long to wait for a change'),
  }),
  success: { 200: 'Extended.' },
  answer: z.strictObject({
    changes: z.array(change),
    applied_seq: seq.describe('Where the feed stands once these are applied'),
    has_more: z
      .boolean()
      .describe('The feed goes on: the lease was not extended, or may not be used without the rest'),
    server_time_ms: z.number().describe('Unix milliseconds, as the answer leaves'),
  }),
  errors: ['VERIFIER_NOT_FOUND', 'VERIFIER_BEHIND', 'RATE_LIMITED'],
  async handle(parts: Parts, { params, body, caller, left }) {
    const heard = await heartbeat(parts.verifiers, caller.principal, {
      verifierId: params.verifier_id,
      appliedSeq: body.applied_seq,
      acknowledgedSeq: body.acknowledged_seq,
      waitMs: body.wait_ms,
      left: left(),
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
