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

const mark = z.strictObject({
  lineage_id: z.string().regex(keyIdPattern, 'must be a key id (flk_…)'),
  minute_ms: timeMs.refine((at) => at % minuteMs === 0, 'must be the start of a minute'),
  code: z.enum(verdictCodes),
  calls: count.min(1),
  cost: count,
  first_at_ms: timeMs,
  last_at_ms: timeMs,
});

type Parts = { verifiers: ReportUsageParts; verify: { clock: { nowMs(): number } } };

export const reportUsageRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/verifiers/:verifier_id/usage',
  operationId: 'reportUsage',
  summary: 'Report what an embedded verifier has decided',
  description:
    'Sums for each line of keys, minute and code. Repeated under the same `flush_id` they count once. Counts for keys that the master key may not see are left out.',
  access: masterKey('keys:verify'),
  params: verifierParams,
  query: noQuery,
  body: z.strictObject({ flush_id: z.uuid(), marks: z.array(mark).min(1).max(300) }),
  success: { 204: 'Counted, or counted before.' },
  answer: z.undefined(),
  errors: [],
  async handle(parts: Parts, { body, caller }) {
    const nowMs = parts.verify.clock.nowMs();
    const marks = body.marks.map(toUsageMark).filter((sent) => isTimely(sent, nowMs));
    if (marks.length > 0) await reportUsage(parts.verifiers, caller.principal, { id: body.flush_id, marks });
    return { status: 204, body: undefined };
  },
});

function toUsageMark(sent: z.output<typeof mark>): UsageMark {
  const { lineage_id: lineageId, code, calls, cost } = sent;
  return {
    lineageId,
    minuteMs: sent.minute_ms,
    code,
    calls,
    cost,
    firstAtMs: sent.first_at_ms,
    lastAtMs: sent.last_at_ms,
  };
}

function isTimely({ minuteMs: at, firstAtMs, lastAtMs }: UsageMark, nowMs: number): boolean {
  const isInMinute = firstAtMs >= at && firstAtMs <= lastAtMs && lastAtMs < at + minuteMs;
  return isInMinute && at > nowMs - lateMsMax && at < nowMs + earlyMsMax;
}
