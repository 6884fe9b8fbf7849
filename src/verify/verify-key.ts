import { parseSecret } from '../domain/key-format.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import { type MaybeLater, whenThere } from '../domain/maybe-later.ts';
import { isVisibleTo, type Principal } from '../domain/principal.ts';
import type { AcceptedCode, RefusedCode, Verdict } from '../domain/verdict.ts';
import type { ServerClock } from '../stores/postgres/server-clock.ts';
import { acceptedVerdict, isAccepted } from './accepted-verdict.ts';
import { type Asked, decide } from './decide.ts';
import type { FoundRecord, KeyRecords } from './key-records.ts';
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
 * THE HOT PATH: parse, find the record, decide, spend the limits, count. One path for every kind of key and every door, answered at
 * once when nothing has to be fetched. An expected "no" is a verdict; it rejects only when it cannot decide. A key outside
 * the caller's allow-lists does not exist for it. Nothing is written to Postgres, and a refusal spends nothing but its own
 * refusal count.
 */
export function verifyKey(
  parts: VerifyParts,
  caller: Principal,
  request: VerifyRequest,
): MaybeLater<Verdict> {
  if (parseSecret(request.key)?.kind !== 'user') return tell(parts, { valid: false, code: 'MALFORMED' });
  const found = parts.records.find(request.key);
  return whenThere(found, (record) => judge(parts, caller, request, record));
}

function judge(
  parts: VerifyParts,
  caller: Principal,
  request: VerifyRequest,
  found: FoundRecord | undefined,
): MaybeLater<Verdict> {
  if (found === undefined || !isVisibleTo(caller, found.record.organizationId, found.record.environment)) {
    return tell(parts, { valid: false, code: 'NOT_FOUND' });
  }
  const { record } = found;
  const nowMs = parts.clock.nowMs();
  const code = decide(record, request, { nowMs, organizationActive: found.organizationActive });
  if (!isAccepted(code)) return refuse(parts, record, code, nowMs);
  const cost = request.cost ?? 1;
  if (record.rateLimit === null && record.quota === null) return accept(parts, record, code, cost, nowMs);
  return parts.spendLimits(record, cost, new Date(nowMs)).then(({ refusal, ...states }) => ({
    ...(refusal === undefined
      ? accept(parts, record, code, cost, nowMs)
      : refuse(parts, record, refusal, nowMs)),
    ...states,
  }));
}

function tell<V extends Verdict>(parts: VerifyParts, verdict: V): V {
  parts.onVerdict(verdict.code);
  return verdict;
}

function refuse(parts: VerifyParts, record: KeyRecord, code: RefusedCode, nowMs: number): Verdict {
  parts.usage.mark(record.lineageId, code, 0, nowMs);
  return tell(parts, { valid: false, code });
}

function accept(
  parts: VerifyParts,
  record: KeyRecord,
  code: AcceptedCode,
  cost: number,
  nowMs: number,
): Verdict {
  parts.usage.mark(record.lineageId, code, cost, nowMs);
  return tell(parts, acceptedVerdict(record, code));
}
