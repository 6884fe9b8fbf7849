import { z } from 'zod';
import { listVerifiers } from '../../usecases/verifiers/list-verifiers.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery, timestampText } from '../fields.ts';
import { defineRoute } from '../route.ts';

export const listVerifiersRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/verifiers',
  operationId: 'listVerifiers',
  summary: 'The processes that verify from memory, with their leases',
  description:
    'A revoke is complete when every live verifier has applied it. One that is live and stays behind makes each revoke wait for it, until its lease ends at the latest; one whose lease has lapsed asks the database and is waited for by nobody. Those that were silent for 20 minutes are forgotten. At most 200, live ones and among them those that are behind first.',
  access: platformCaller('platform:keys:read'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The verifiers at this moment.' },
  answer: z.strictObject({
    head_seq: z.int().describe('The newest change in the feed'),
    live: z.int(),
    lapsed: z.int(),
    data: z.array(
      z.strictObject({
        id: z.string(),
        kind: z.enum(['api', 'embedded']).describe('A process of this API, or one inside a gateway'),
        master_key_id: z.string().nullable().describe('With which an embedded one has registered'),
        state: z.enum(['live', 'lapsed']),
        started_at: timestampText,
        lease_until: timestampText,
        lease_left_ms: z.int().describe("By the server's clock; negative once it has lapsed"),
        applied_seq: z.int(),
        behind: z.int().describe('How many changes it has not applied yet; seldom fewer, never more'),
        behind_ms: z
          .int()
          .describe(
            'How long ago the oldest of these was committed: a live one with seconds here delays revokes',
          ),
      }),
    ),
  }),
  errors: [],
  async handle(parts: Parameters<typeof listVerifiers>[0]) {
    const { headSeq, live, lapsed, verifiers } = await listVerifiers(parts);
    return {
      status: 200,
      body: {
        head_seq: headSeq,
        live,
        lapsed,
        data: verifiers.map((verifier) => ({
          id: verifier.id,
          kind: verifier.masterKeyId === null ? ('api' as const) : ('embedded' as const),
          master_key_id: verifier.masterKeyId,
          state: verifier.leaseLeftMs > 0 ? ('live' as const) : ('lapsed' as const),
          started_at: verifier.startedAt.toISOString(),
          lease_until: verifier.leaseUntil.toISOString(),
          lease_left_ms: Math.round(verifier.leaseLeftMs),
          applied_seq: verifier.appliedSeq,
          behind: verifier.behind,
          behind_ms: Math.round(verifier.behindMs),
        })),
      },
    };
  },
});
