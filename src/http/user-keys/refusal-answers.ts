import { z } from 'zod';
import { type KeyRefusal, refusalEndpoints } from '../../domain/key-refusal.ts';
import { timestampText } from '../fields.ts';

export const refusalFields = {
  at: timestampText,
  code: z.string().describe('The code of the verdict. Expect further codes'),
  endpoint: z.enum(refusalEndpoints).describe('Where it was verified. Expect further places'),
  request_id: z
    .string()
    .describe('The `x-request-id` that was answered, and the `trace_id` unless the broker traces'),
  master_key_id: z.string().describe('The gateway that asked'),
  ip: z.string().nullable().describe("The end client's address; null when the gateway named none"),
};

export function toRefusalAnswer({ atMs, code, endpoint, requestId, masterKeyId, ip }: KeyRefusal) {
  return {
    at: new Date(atMs).toISOString(),
    code,
    endpoint,
    request_id: requestId,
    master_key_id: masterKeyId,
    ip,
  };
}
