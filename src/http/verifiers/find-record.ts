import { z } from 'zod';
import { isWaiting } from '../../domain/key-record.ts';
import { toSentKeyRecord } from '../../domain/key-record-codec.ts';
import { isVisibleTo } from '../../domain/principal.ts';
import type { VerifyParts } from '../../verify/verify-key.ts';
import { masterKey } from '../access/master-key.ts';
import { noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { keyRecord, seq, verifierParams } from './verifier-schemas.ts';

type Parts = { verify: Pick<VerifyParts, 'records' | 'clock' | 'unknownKeys'> };

export const findRecordRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/verifiers/:verifier_id/records',
  operationId: 'findRecord',
  summary: 'The record of a key, for an embedded verifier',
  description:
    'The record of a presented key, as verification itself uses it, with its age. A key outside the allow-lists of the master key does not exist. Nothing is counted. `x-request-id` and `x-flowplate-client-address` name the request of the end client and its address.',
  access: masterKey('keys:verify:embedded'),
  params: verifierParams,
  query: noQuery,
  body: z.strictObject({ key: z.string() }),
  success: { 200: 'The record, or null when there is no such key.' },
  answer: z.strictObject({
    record: keyRecord.nullable(),
    organization_active: z.boolean().optional(),
    age_ms: z.number().min(0).optional().describe('Age of the database read'),
    as_of_seq: seq.optional().describe('Position of the change feed at which the record is current'),
  }),
  errors: [],
  async handle(parts: Parts, { body, caller, endClientAddress }) {
    if (!parts.verify.records.mayBeKey(body.key)) return notFound;
    const found = await parts.verify.records.find(body.key);
    if (found === undefined) {
      const { principal, requestId } = caller;
      const from = { endpoint: 'embedded', requestId, traceId: null, masterKeyId: principal.id } as const;
      parts.verify.unknownKeys.note(body.key, endClientAddress(), from);
      return notFound;
    }
    const { record, organizationActive, entry } = found;
    if (!isVisibleTo(caller.principal, record.organizationId, record.environment)) return notFound;
    const isFirstUse = isWaiting(record);
    return {
      status: 200,
      body: {
        record: toSentKeyRecord(isFirstUse ? { ...record, rateLimit: brokerDecides } : record),
        organization_active: organizationActive && !isFirstUse,
        age_ms: parts.verify.clock.monotonicMs() - entry.readAtMs,
        as_of_seq: entry.asOfSeq,
      },
    };
  },
});

/**
 * For a key that waits for its first use, which only the broker may accept. Verifiers of every
 * release ask the broker about a key with a limit, and remember no record of an organization that
 * is not active. So none of them accepts it from memory, and the next call asks again.
 */
const brokerDecides = { limit: 1, window_seconds: 1 };

const notFound = { status: 200, body: { record: null } };
