import type { KeyedQueue } from '../../concurrency/keyed-queue.ts';
import type { CallBudgets } from '../../domain/call-budgets.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { isVisibleTo, type MasterKeyPrincipal } from '../../domain/principal.ts';
import { impossibilityOf, type LeftOutReason, mayHaveDecided } from '../../domain/reported-mark.ts';
import type { UsageFlush, UsageMark } from '../../domain/usage.ts';
import type { Line } from '../../stores/postgres/user-keys/lines.ts';
import type { KnownLines } from './known-lines.ts';
import type { KnownReporters } from './known-reporters.ts';

/** Report lines that were not counted, by reason. */
export type LeftOut = { masterKeyId: string; verifierId: string; lines: ReadonlyMap<LeftOutReason, number> };

export type ReportUsageParts = {
  reporters: KnownReporters;
  lines: KnownLines;
  budgets: CallBudgets;
  /**
   * Keyed queue: one lookup at a time for each master key, so that a flood of reports blocks only
   * its sender.
   */
  turns: KeyedQueue;
  /** Delivery path shared with this process's own usage; a flush delivered twice counts once. */
  deliverUsage: (flush: UsageFlush) => Promise<void>;
  /** Notes that a gateway still uses a superseded key of a line. */
  noteSuperseded: (mark: UsageMark, masterKeyId: string) => void;
  onLeftOut: (leftOut: LeftOut) => void;
};

export type UsageReport = { verifierId: string; flush: UsageFlush; nowMs: number };

/**
 * Counts the usage that an embedded verifier reports, if it is plausible: keys exist, are visible
 * to its master key, have no limits, and calls and cost fit one verifier. The rest is left out and
 * listed in the answer. It is not refused, because the verifier would repeat the report and block
 * its later ones. `VERIFIER_NOT_FOUND` when it must register first.
 */
export async function reportUsage(
  parts: ReportUsageParts,
  principal: MasterKeyPrincipal,
  { verifierId, flush, nowMs }: UsageReport,
): Promise<void> {
  const leftOut = new Map<LeftOutReason, number>();
  const leaveOut = (reason: LeftOutReason) => leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
  const possible = flush.marks.filter((mark) => {
    const reason = impossibilityOf(mark, nowMs);
    if (reason !== undefined) leaveOut(reason);
    return reason === undefined;
  });
  const lines = await parts.turns.run(principal.id, async () => {
    const isKnown = await parts.reporters.has({ id: verifierId, masterKeyId: principal.id });
    if (!isKnown) throw new FlowplateError('VERIFIER_NOT_FOUND');
    return parts.lines.find(possible.map((mark) => mark.lineageId));
  });
  const marks = possible.filter((mark) => {
    const reason =
      objectionTo(principal, lines.get(mark.lineageId), mark, nowMs) ??
      (parts.budgets.spend(verifierId, mark.calls, performance.now()) ? undefined : 'calls');
    if (reason !== undefined) leaveOut(reason);
    return reason === undefined;
  });
  if (leftOut.size > 0) parts.onLeftOut({ masterKeyId: principal.id, verifierId, lines: leftOut });
  for (const mark of marks) if (mark.code === 'SUPERSEDED') parts.noteSuperseded(mark, principal.id);
  if (marks.length > 0) await parts.deliverUsage({ id: flush.id, marks });
}

/** A key outside the allow-lists does not exist for its master key. */
function objectionTo(
  principal: MasterKeyPrincipal,
  line: Line | undefined,
  mark: UsageMark,
  nowMs: number,
): LeftOutReason | undefined {
  if (line === undefined || !isVisibleTo(principal, line.organizationId, line.environment))
    return 'unknown_key';
  if (line.limited !== undefined && !mayHaveDecided(line.limited, mark, nowMs)) return 'limited_key';
  return undefined;
}
