import { z } from 'zod';
import { keyIdPattern } from '../../domain/ids.ts';
import { minuteMs, type UsageMark } from '../../domain/usage.ts';
import { verdictCodes } from '../../domain/verdict.ts';
import { type ReportUsageParts, reportUsage } from '../../usecases/verifiers/report-usage.ts';
import { masterKey } from '../access/master-key.ts';
import { noQuery } from '../flowplate/key-schemas.ts';
import { defineRoute } from '../route.ts';
import { verifierParams } from './verifier-schemas.ts';

/** A gateway that could not deliver for longer has its counts refused: they would open partitions that were dropped. */
const lateMsMax = 7 * 86_400_000;
const earlyMsMax = 3_600_000;

const timeMs = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const count = z.int().min(0).max(1_000_000_000_000);

const afterMs = z
  .int()
  .min(0)
  .max(minuteMs - 1);

const line = z
  .tuple([z.string().regex(keyIdPattern, 'must be a key id (flk_…)'), count.min(1), count, afterMs, afterMs])
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

type Parts = { verifiers: ReportUsageParts; verify: { clock: { nowMs(): number } } };

export const reportUsageRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/verifiers/:verifier_id/usage',
  operationId: 'reportUsage',
  summary: 'Report what an embedded verifier has decided',
  description:
    'Sums for each line of keys, minute and code. Repeated under the same `flush_id` they count once. Counts for keys that the master key may not see are left out.',
  access: masterKey('keys:verify:embedded'),
  params: verifierParams,
  query: noQuery,
  body: z.strictObject({ flush_id: z.uuid(), sums: z.array(sum).min(1) }),
  success: { 204: 'Counted, or counted before.' },
  answer: z.undefined(),
  errors: [],
  async handle(parts: Parts, { body, caller }) {
    const nowMs = parts.verify.clock.nowMs();
    const marks = body.sums.filter((sent) => isTimely(sent, nowMs)).flatMap(toUsageMarks);
    if (marks.length > 0) await reportUsage(parts.verifiers, caller.principal, { id: body.flush_id, marks });
    return { status: 204, body: undefined };
  },
});

function isTimely({ minute_ms: at }: z.output<typeof sum>, nowMs: number): boolean {
  return at > nowMs - lateMsMax && at < nowMs + earlyMsMax;
}

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
