import { z } from 'zod';
import { auditFaultKinds } from '../../domain/audit-seal.ts';
import { verifyAudit } from '../../usecases/audit/verify-audit.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, timestampText } from '../fields.ts';
import { queryNumber } from '../query-number.ts';
import { defineRoute } from '../route.ts';

const seqText = queryNumber({ min: 1, max: 999_999_999_999_999, message: 'must be a number from 1 on' });

const hashText = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');

const seq = z.int();

export const verifyAuditRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/audit/verify',
  operationId: 'verifyAudit',
  summary: 'Verify the hash chain of the audit log',
  description:
    'Recomputes the hash chain, and finds the first event that was changed, removed, moved or inserted since it was sealed. To detect that the newest events were removed together with their seals and heads, send `seq` and `hash` of a head that you stored elsewhere. A process runs two verifications at once; more are refused with 503 `OVERLOADED`.',
  access: platformCaller('platform:audit:read'),
  params: noParams,
  query: z
    .strictObject({
      from_seq: seqText.optional().describe('First number to verify; earlier events are not checked'),
      limit: seqText
        .optional()
        .describe('Ends at the first head after this many events; continue from `verified_through` + 1'),
      seq: seqText.optional().describe('The number of an earlier head'),
      hash: hashText.optional().describe('The hash of that head'),
    })
    .refine((query) => (query.seq === undefined) === (query.hash === undefined), {
      path: ['hash'],
      message: 'and `seq` belong together: send both or neither',
    })
    .refine((query) => (query.seq ?? Number.MAX_SAFE_INTEGER) >= (query.from_seq ?? 1) - 1, {
      path: ['seq'],
      message: 'lies before the verified range',
    }),
  body: noBody,
  success: { 200: 'The result, also when a fault was found.' },
  answer: z.strictObject({
    valid: z.boolean(),
    sealed_through: seq.describe('The number of the newest sealed event; 0 when there is none'),
    verified_through: seq.describe('Last verified number'),
    events: z.int().describe('Number of verified events'),
    unsealed: z
      .int()
      .describe('Number of events that wait for their seal, normally those of the last seconds'),
    first_fault: z
      .strictObject({
        seq: seq.nullable(),
        event_id: z.string().nullable(),
        kind: z.enum(auditFaultKinds),
      })
      .nullable(),
    head: z
      .strictObject({
        seq,
        hash: hashText.describe('Store it elsewhere, for a later comparison'),
        sealed_at: timestampText,
        pepper_id: z.string(),
      })
      .nullable(),
  }),
  errors: [],
  async handle(parts: Parameters<typeof verifyAudit>[0], { query, signal }) {
    const anchor =
      query.seq === undefined || query.hash === undefined
        ? undefined
        : { seq: query.seq, hash: Buffer.from(query.hash, 'hex') };
    const request = { fromSeq: query.from_seq ?? 1, limit: query.limit, anchor };
    const found = await verifyAudit(parts, request, signal());
    return {
      status: 200,
      body: {
        valid: found.firstFault === null,
        sealed_through: found.sealedThrough,
        verified_through: found.verifiedThrough,
        events: found.events,
        unsealed: found.unsealed,
        first_fault: found.firstFault && {
          seq: found.firstFault.seq,
          event_id: found.firstFault.eventId,
          kind: found.firstFault.kind,
        },
        head: found.head && {
          seq: found.head.seq,
          hash: found.head.hash.toString('hex'),
          sealed_at: found.head.sealedAt.toISOString(),
          pepper_id: found.head.pepperId,
        },
      },
    };
  },
});
