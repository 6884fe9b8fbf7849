import { z } from 'zod';
import { lineIdPattern } from '../../domain/ids.ts';
import { minuteMs, type UsageMark } from '../../domain/usage.ts';
import { verdictCodes } from '../../domain/verdict.ts';
import { type ReportUsageParts, reportUsage } from '../../usecases/verifiers/report-usage.ts';
import { masterKey } from '../access/master-key.ts';
import { noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { verifierParams } from './verifier-schemas.ts';

const timeMs = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const count = z.int().min(0).max(1_000_000_000_000);

const afterMs = z
  .int()
  .min(0)
  .max(minuteMs - 1);

const line = z
  .tuple([
    z.string().regex(lineIdPattern, 'must be a key id (flk_…, ak_…)'),
    count.min(1),
    count,
    afterMs,
    afterMs,
  ])
  .refine(([, , , first, last]) => first <= last, 'the last call must not be before the first')
  .meta({
    description:
      'Line of keys, calls, cost, and the milliseconds from the minute to the first and the last call',
  });

const sum = z.strictObject({
  minute_ms: timeMs.refine((at) => at % minuteMs === 0, 'must be the start of a minute'),
  code: z.enum(verdictCodes),
  lines: z.array(line).min(1),
});

type Parts = { usageReports: ReportUsageParts; verify: { clock: { nowMs(): number } } };

export const reportUsageRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/verifiers/:verifier_id/usage',
  operationId: 'reportUsage',
  summary: 'Report the usage of an embedded verifier',
  description:
    'Sums for each line of keys, minute and code. A repetition under the same `flush_id` counts once. Not counted are keys that do not exist, that the master key may not see, or that have a rate limit or a quota, except from before it was set. Calls beyond the capacity of one verifier are not counted either: 5,000,000 a second, each at a cost of at most 1,000,000.',
  access: masterKey('keys:verify:embedded'),
  params: verifierParams,
  query: noQuery,
  body: z.strictObject({ flush_id: z.uuid().toLowerCase(), sums: z.array(sum).min(1) }),
  success: { 204: 'Counted, or counted before.' },
  answer: z.undefined(),
  errors: ['VERIFIER_NOT_FOUND'],
  async handle(parts: Parts, { params, body, caller }) {
    await reportUsage(parts.usageReports, caller.principal, {
      verifierId: params.verifier_id,
      flush: { id: body.flush_id, marks: body.sums.flatMap(toUsageMarks) },
      nowMs: parts.verify.clock.nowMs(),
    });
    return { status: 204, body: undefined };
  },
});

function toUsageMarks({ minute_ms: atMs, code, lines }: z.output<typeof sum>): UsageMark[] {
  return lines.map(([lineageId, calls, cost, firstAfterMs, lastAfterMs]) => ({
    lineageId,
    minuteMs: atMs,
    code,
    calls,
    cost,
    firstAtMs: atMs + firstAfterMs,
    lastAtMs: atMs + lastAfterMs,
  }));
}
