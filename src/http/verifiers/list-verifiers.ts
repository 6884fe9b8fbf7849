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
    'A revoke is complete when every live verifier has applied it. A live verifier that is behind delays each revoke, at most until its lease ends. A verifier without a lease asks the database, and delays nothing. Verifiers that are silent for 20 minutes are deleted. At most 200 are listed, live ones that are behind first.',
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
        kind: z.enum(['api', 'embedded']).describe('An API process, or one embedded in a gateway'),
        master_key_id: z.string().nullable().describe('Master key of an embedded verifier'),
        state: z.enum(['live', 'lapsed']),
        started_at: timestampText,
        lease_until: timestampText,
        lease_left_ms: z.int().describe("By the server's clock; negative once it has lapsed"),
        applied_seq: z.int(),
        behind: z.int().describe('Upper bound of the changes that it has not applied'),
        behind_ms: z
          .int()
          .describe('Age of the oldest of these changes; a live verifier with seconds here delays revokes'),
        reports_scopes: z
          .boolean()
          .describe(
            'Whether it tells which scopes it is asked for. While a live one does not, the hygiene report calls none unasked',
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
          reports_scopes: verifier.reportsScopes,
        })),
      },
    };
  },
});
