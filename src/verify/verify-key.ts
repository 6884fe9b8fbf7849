import type { MaybeLater } from '../concurrency/maybe-later.ts';
import { isWaiting, type KeyRecord } from '../domain/key-record.ts';
import { isVisibleTo, type VisibleScope } from '../domain/principal.ts';
import { type AcceptedCode, isAccepted, type RefusedCode, type Verdict } from '../domain/verdict.ts';
import type { ServerClock } from '../revocation/server-clock.ts';
import { verdictOf } from './accepted-verdict.ts';
import type { AskedScopes } from './asked-scopes.ts';
import type { CanaryWatch } from './canary-watch.ts';
import { type Asked, decide } from './decide.ts';
import { nowhere } from './fingerprint-index.ts';
import { asksNothing } from './key-memory.ts';
import type { FoundRecord, KeyRecords } from './key-records.ts';
import type { LastRefusals, RequestOrigin } from './last-refusals.ts';
import type { LimitVerdict } from './limit-verdict.ts';
import type { SupersededUses } from './superseded-uses.ts';
import type { UsageRecorder } from './usage-recorder.ts';

export type VerifyRequest = Asked & {
  key: string;
  cost?: number | undefined;
  /** With it, a refusal is kept as one of the last ones of its key. */
  from?: RequestOrigin | undefined;
};

export type VerifyParts = {
  records: Pick<KeyRecords, 'memory' | 'placeOf' | 'at' | 'load' | 'find' | 'mayBeKey'>;
  clock: Pick<ServerClock, 'nowMs' | 'monotonicMs'>;
  spendLimits: (record: KeyRecord, cost: number, now: Date) => Promise<LimitVerdict>;
  usage: Pick<UsageRecorder, 'mark'>;
  onVerdict: (code: Verdict['code']) => void;
  refusals: Pick<LastRefusals, 'note'>;
  /** Notes a key that does not exist: it may be a canary. */
  unknownKeys: Pick<CanaryWatch, 'note'>;
  /** Who still uses a key in its grace. */
  supersededUses: Pick<SupersededUses, 'noteKey'>;
  /** Scopes that accepted calls asked for, for the hygiene report. */
  askedScopes: Pick<AskedScopes, 'note'>;
  /**
   * Makes a waiting key active at its first accepted use (usecases/user-keys/activate-key.ts).
   * False when it may not be any more.
   */
  activate: (record: KeyRecord, masterKeyId: string | null) => Promise<boolean>;
};

/**
 * The hot path: find the record, decide, spend the limits, count. One path for every kind of key
 * and every endpoint. Synchronous when memory has the record. A refusal is a verdict; it rejects
 * only when it cannot decide. A key outside the caller's allow-lists is NOT_FOUND. It writes
 * nothing to Postgres, and a refusal spends no limit.
 */
export function verifyKey(
  parts: VerifyParts,
  caller: VisibleScope,
  request: VerifyRequest,
): MaybeLater<Verdict> {
  const place = parts.records.placeOf(request.key);
  if (place !== nowhere) return judgeRemembered(parts, caller, request, place);
  if (!parts.records.mayBeKey(request.key)) return tell(parts, { valid: false, code: 'MALFORMED' });
  return parts.records.load(request.key).then((found) => judgeLoaded(parts, caller, request, found));
}

/** Memory never has a waiting key, so only a look-up asks for one. */
function judgeLoaded(
  parts: VerifyParts,
  caller: VisibleScope,
  request: VerifyRequest,
  found: FoundRecord | undefined,
): MaybeLater<Verdict> {
  return found !== undefined && isWaiting(found.record)
    ? judgeFirstUse(parts, caller, request, found)
    : judge(parts, caller, request, found);
}

/** Without a look at the record, if the request asks nothing and the answer is a plain yes. */
function judgeRemembered(
  parts: VerifyParts,
  caller: VisibleScope,
  request: VerifyRequest,
  place: number,
): MaybeLater<Verdict> {
  const { memory } = parts.records;
  const nowMs = parts.clock.nowMs();
  const yes = asksNothing(request) ? memory.plainYes(place, nowMs) : undefined;
  if (yes === undefined || !isVisibleTo(caller, yes.organization_id, yes.environment)) {
    return judge(parts, caller, request, parts.records.at(place));
  }
  memory.count(place, request.cost ?? 1, nowMs);
  if (yes.code === 'SUPERSEDED') noteSuperseded(parts, yes.key_id, request, nowMs);
  return tell(parts, yes);
}

function judge(
  parts: VerifyParts,
  caller: VisibleScope,
  request: VerifyRequest,
  found: FoundRecord | undefined,
): MaybeLater<Verdict> {
  if (found === undefined) {
    if (request.from !== undefined) parts.unknownKeys.note(request.key, request.ip, request.from);
    return tell(parts, { valid: false, code: 'NOT_FOUND' });
  }
  if (!isVisibleTo(caller, found.record.organizationId, found.record.environment)) {
    return tell(parts, { valid: false, code: 'NOT_FOUND' });
  }
  const { record } = found;
  const nowMs = parts.clock.nowMs();
  const code = decide(record, request, { nowMs, organizationActive: found.organizationActive });
  if (!isAccepted(code)) return refuse(parts, found, request, code, nowMs);
  const cost = request.cost ?? 1;
  if (record.rateLimit === null && record.quota === null) return accept(parts, found, request, code, nowMs);
  return parts.spendLimits(record, cost, new Date(nowMs)).then(({ refusal, ...states }) => ({
    ...(refusal === undefined
      ? accept(parts, found, request, code, nowMs)
      : refuse(parts, found, request, refusal, nowMs)),
    ...states,
  }));
}

/**
 * A waiting key becomes active when everything else accepts the call, its limits too. The answer
 * comes after that transaction, so the grace of its predecessor has begun with every yes.
 */
async function judgeFirstUse(
  parts: VerifyParts,
  caller: VisibleScope,
  request: VerifyRequest,
  found: FoundRecord,
): Promise<Verdict> {
  const { record, organizationActive } = found;
  if (!isVisibleTo(caller, record.organizationId, record.environment)) {
    return tell(parts, { valid: false, code: 'NOT_FOUND' });
  }
  const nowMs = parts.clock.nowMs();
  const code = decide(record, request, { nowMs, organizationActive });
  if (!isAccepted(code)) return refuse(parts, found, request, code, nowMs);
  const cost = request.cost ?? 1;
  const isLimited = record.rateLimit !== null || record.quota !== null;
  const { refusal, ...states } = isLimited
    ? await parts.spendLimits(record, cost, new Date(nowMs))
    : noLimits;
  if (refusal !== undefined) return { ...refuse(parts, found, request, refusal, nowMs), ...states };
  const isActive = await parts.activate(record, request.from?.masterKeyId ?? null);
  if (!isActive) return refuse(parts, found, request, 'REVOKED', nowMs);
  return { ...accept(parts, found, request, code, nowMs), ...states };
}

const noLimits: LimitVerdict = { refusal: undefined };

function tell<V extends Verdict>(parts: VerifyParts, verdict: V): V {
  parts.onVerdict(verdict.code);
  return verdict;
}

function refuse(
  parts: VerifyParts,
  { record, entry }: FoundRecord,
  { ip, from }: VerifyRequest,
  code: RefusedCode,
  nowMs: number,
): Verdict {
  parts.usage.mark(entry, record.lineageId, code, 0, nowMs);
  if (from !== undefined) parts.refusals.note(record.id, code, nowMs, ip, from);
  return tell(parts, { valid: false, code });
}

function accept(
  parts: VerifyParts,
  { record, entry }: FoundRecord,
  request: VerifyRequest,
  code: AcceptedCode,
  nowMs: number,
): Verdict {
  parts.usage.mark(entry, record.lineageId, code, request.cost ?? 1, nowMs);
  if (code === 'SUPERSEDED') noteSuperseded(parts, record.id, request, nowMs);
  if (request.scopes !== undefined) parts.askedScopes.note(record.organizationId, request.scopes);
  return tell(parts, verdictOf(entry, code));
}

function noteSuperseded(
  { supersededUses }: VerifyParts,
  keyId: string,
  { from }: VerifyRequest,
  nowMs: number,
): void {
  if (from !== undefined) supersededUses.noteKey(keyId, from.masterKeyId, nowMs);
}
