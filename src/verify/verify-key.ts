import { parseSecret } from '../domain/key-format.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import { isVisibleTo, type Principal } from '../domain/principal.ts';
import type { AcceptedCode, RefusedCode, Verdict } from '../domain/verdict.ts';
import type { ServerClock } from '../stores/postgres/server-clock.ts';
import { type Asked, decide } from './decide.ts';
import type { KeyRecords } from './key-records.ts';
import type { LimitVerdict } from './limits.ts';
import type { UsageRecorder } from './usage-recorder.ts';

export type VerifyRequest = Asked & { key: string; cost?: number | undefined };

export type VerifyParts = {
  records: Pick<KeyRecords, 'find'>;
  clock: Pick<ServerClock, 'nowMs'>;
  spendLimits: (record: KeyRecord, cost: number, now: Date) => Promise<LimitVerdict>;
  usage: Pick<UsageRecorder, 'mark'>;
  onVerdict: (code: Verdict['code']) => void;
};

/**
 * THE HOT PATH: parse, find the record, decide, spend the limits, count. One path for every kind of key and every door. An
 * expected "no" is a verdict; it throws only when it cannot decide. A key outside the caller's allow-lists does not exist for
 * it. Nothing is written to Postgres, and a refusal spends nothing but its own refusal count.
 */
export async function verifyKey(
  parts: VerifyParts,
  caller: Principal,
  request: VerifyRequest,
): Promise<Verdict> {
  const verdict = await judge(parts, caller, request);
  parts.onVerdict(verdict.code);
  return verdict;
}

async function judge(parts: VerifyParts, caller: Principal, request: VerifyRequest): Promise<Verdict> {
  if (parseSecret(request.key)?.kind !== 'user') return { valid: false, code: 'MALFORMED' };
  const found = await parts.records.find(request.key);
  if (found === undefined || !isVisibleTo(caller, found.record.organizationId, found.record.environment)) {
    return { valid: false, code: 'NOT_FOUND' };
  }
  const { record, organizationActive } = found;
  const nowMs = parts.clock.nowMs();
  const code = decide(record, request, { nowMs, organizationActive });
  const cost = request.cost ?? 1;
  if (!isAccepted(code)) return refuse(parts, record, code, nowMs);
  const limits = await parts.spendLimits(record, cost, new Date(nowMs));
  const { refusal, ...states } = limits;
  if (refusal !== undefined) return { ...refuse(parts, record, refusal, nowMs), ...states };
  parts.usage.mark(record.lineageId, code, cost, nowMs);
  return { ...accepted(record, code), ...states };
}

function isAccepted(code: AcceptedCode | RefusedCode): code is AcceptedCode {
  return code === 'VALID' || code === 'SUPERSEDED';
}

function refuse(parts: VerifyParts, record: KeyRecord, code: RefusedCode, nowMs: number) {
  parts.usage.mark(record.lineageId, code, 0, nowMs);
  return { valid: false as const, code };
}

function accepted(record: KeyRecord, code: AcceptedCode) {
  return {
    valid: true as const,
    code,
    key_id: record.id,
    user_id: record.userId,
    organization_id: record.organizationId,
    environment: record.environment,
    scopes: record.scopes,
    metadata: record.metadata,
    expires_at: endOf(record),
  };
}

/** When this very key stops: its expiry, or the end of its grace when that comes first. */
function endOf(record: KeyRecord): string | null {
  const ends = [record.expiresAtMs, record.supersededUntilMs].filter((end) => end !== null);
  return ends.length === 0 ? null : new Date(Math.min(...ends)).toISOString();
}
