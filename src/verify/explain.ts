import { type Check, checkCodes, type Explanation } from '../domain/explanation.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import { isVisibleTo, type VisibleScope } from '../domain/principal.ts';
import { isAccepted, type LimitState, type RefusedCode } from '../domain/verdict.ts';
import { AcceptedVerdict } from './accepted-verdict.ts';
import { type Asked, type Circumstances, decide, failures } from './decide.ts';
import type { LimitVerdict } from './limit-verdict.ts';
import type { VerifyParts, VerifyRequest } from './verify-key.ts';

export type ExplainParts = Pick<VerifyParts, 'clock' | 'records'> & {
  /** The rest of the limits of a key. Spends nothing. */
  readLimits: (record: KeyRecord, now: Date) => Promise<LimitVerdict>;
};

/** `at`: the moment to decide for; now unless set. */
export type ExplainRequest = Asked & { cost?: number | undefined; at?: Date | undefined };

type Known = { record: KeyRecord; organizationActive: boolean };

/** One question about one key: what the checks look at. */
type Subject = {
  record: KeyRecord;
  request: ExplainRequest;
  now: Circumstances;
  limits: LimitVerdict | undefined;
};

/**
 * What `verifyKey` would say to the same request, with every check. Spends no limit and counts
 * nothing. A key outside the caller's allow-lists does not exist for it. Rejects as `verifyKey`
 * does.
 */
export async function explainVerification(
  parts: ExplainParts,
  caller: VisibleScope,
  request: VerifyRequest,
): Promise<Explanation> {
  const unknown = (code: 'MALFORMED' | 'NOT_FOUND') => explainUnknown(code, request, parts.clock.nowMs());
  if (!parts.records.mayBeKey(request.key)) return unknown('MALFORMED');
  const found = await parts.records.find(request.key);
  if (found === undefined || !isVisibleTo(caller, found.record.organizationId, found.record.environment)) {
    return unknown('NOT_FOUND');
  }
  return explainRecord(parts, found, request);
}

/**
 * The verdict on a known key, with every check. It decides by the settings that the key has now;
 * only times are judged at `request.at`. The rest of limits is known for now alone.
 */
export async function explainRecord(
  parts: ExplainParts,
  { record, organizationActive }: Known,
  request: ExplainRequest,
): Promise<Explanation> {
  const nowMs = request.at?.getTime() ?? parts.clock.nowMs();
  const isLimited = record.rateLimit !== null || record.quota !== null;
  const limits = isLimited ? await parts.readLimits(record, new Date(parts.clock.nowMs())) : undefined;
  const now = { nowMs, organizationActive };
  const checks = explainChecks({ record, request, now, limits });
  const decided = decide(record, request, now);
  const code = isAccepted(decided) ? (limitRefusal(checks) ?? decided) : decided;
  const { rate_limit, quota } = limits ?? {};
  return {
    ...(isAccepted(code) ? new AcceptedVerdict(record, code) : { valid: false, code }),
    ...(rate_limit !== undefined && { rate_limit }),
    ...(quota !== undefined && { quota }),
    checks,
  };
}

function explainUnknown(
  code: 'MALFORMED' | 'NOT_FOUND',
  request: ExplainRequest,
  nowMs: number,
): Explanation {
  const failedAt = checkCodes.indexOf(code);
  const checks = checkCodes.map((check, index): Check => {
    const result = index < failedAt ? 'passed' : index === failedAt ? 'failed' : 'not_reached';
    return { check, result, asked: asked[check](request, nowMs), has: null };
  });
  return { valid: false, code, checks };
}

function explainChecks(subject: Subject): Check[] {
  const { request, now } = subject;
  return checkCodes.map((check) => ({
    check,
    result: resultOf(check, subject),
    asked: asked[check](request, now.nowMs),
    has: has[check](subject),
  }));
}

function resultOf(check: RefusedCode, { record, request, now, limits }: Subject): Check['result'] {
  if (check === 'MALFORMED' || check === 'NOT_FOUND') return 'passed';
  if (check === 'RATE_LIMITED' || check === 'QUOTA_EXCEEDED') {
    if (request.at !== undefined) return 'not_reached';
    return limits !== undefined && isOverLimit(check, limits, request.cost ?? 1) ? 'failed' : 'passed';
  }
  return failures[check](record, request, now) ? 'failed' : 'passed';
}

/** Whether a call of this cost would be refused. A limit that does not count has no `remaining`. */
function isOverLimit(
  check: 'RATE_LIMITED' | 'QUOTA_EXCEEDED',
  { refusal, rate_limit, quota }: LimitVerdict,
  cost: number,
): boolean {
  const state: LimitState | undefined = check === 'RATE_LIMITED' ? rate_limit : quota;
  if (state === undefined) return false;
  return refusal === check || (state.remaining !== null && cost > state.remaining);
}

function limitRefusal(checks: readonly Check[]): 'RATE_LIMITED' | 'QUOTA_EXCEEDED' | undefined {
  for (const { check, result } of checks) {
    if (result === 'failed' && (check === 'RATE_LIMITED' || check === 'QUOTA_EXCEEDED')) return check;
  }
  return undefined;
}

const nothing = () => null;
const moment = (_request: ExplainRequest, nowMs: number) => timeText(nowMs);
const cost = (request: ExplainRequest) => request.cost ?? 1;

/** The demand of each check. The same for every key, known or not. */
const asked: Record<RefusedCode, (request: ExplainRequest, nowMs: number) => unknown> = {
  MALFORMED: nothing,
  NOT_FOUND: nothing,
  REVOKED: moment,
  DISABLED: nothing,
  QUARANTINED: moment,
  EXPIRED: moment,
  ORGANIZATION_SUSPENDED: nothing,
  ENVIRONMENT_MISMATCH: ({ environment }) => environment ?? null,
  ORGANIZATION_MISMATCH: ({ organizationId }) => organizationId ?? null,
  IP_NOT_ALLOWED: ({ ip }) => ip ?? null,
  INSUFFICIENT_SCOPE: ({ scopes }) => scopes ?? null,
  RATE_LIMITED: cost,
  QUOTA_EXCEEDED: cost,
};

/** The value that each check finds in a key. */
const has: Record<RefusedCode, (subject: Subject) => unknown> = {
  MALFORMED: nothing,
  NOT_FOUND: ({ record }) => record.id,
  REVOKED: ({ record: { status, supersededUntilMs, supersededBy } }) => ({
    status,
    superseded_until: timeText(supersededUntilMs),
    superseded_by: supersededBy,
  }),
  DISABLED: ({ record }) => ({ enabled: record.enabled }),
  QUARANTINED: ({ record }) => ({ quarantined_until: timeText(record.quarantinedUntilMs) }),
  EXPIRED: ({ record }) => timeText(record.expiresAtMs),
  ORGANIZATION_SUSPENDED: ({ now }) => ({ active: now.organizationActive }),
  ENVIRONMENT_MISMATCH: ({ record }) => record.environment,
  ORGANIZATION_MISMATCH: ({ record }) => record.organizationId,
  IP_NOT_ALLOWED: ({ record }) => record.ipAllowlist,
  INSUFFICIENT_SCOPE: ({ record }) => record.scopes,
  RATE_LIMITED: ({ limits }) => limits?.rate_limit ?? null,
  QUOTA_EXCEEDED: ({ limits }) => limits?.quota ?? null,
};

function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
