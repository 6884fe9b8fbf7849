import { KeyedQueue } from '../concurrency/keyed-queue.ts';
import { CallBudgets } from '../domain/call-budgets.ts';
import type { KeyRefusal } from '../domain/key-refusal.ts';
import type { UsageMark } from '../domain/usage.ts';
import { isServerAway } from '../stores/postgres/faults.ts';
import { KnownLines } from '../usecases/verifiers/known-lines.ts';
import { KnownReporters } from '../usecases/verifiers/known-reporters.ts';
import { NewestHeartbeats } from '../usecases/verifiers/newest-heartbeats.ts';
import { VerifierLimits } from '../usecases/verifiers/verifier-limits.ts';
import type { LastRefusals } from '../verify/last-refusals.ts';
import type { CountingParts } from './counting.ts';
import type { ProcessParts } from './process-parts.ts';
import { tellOfLeftOutUsage } from './report-left-out-usage.ts';
import type { RevocationParts } from './revocation.ts';
import { scopeSaver } from './save-asked-scopes.ts';
import type { Stores } from './stores.ts';

type Needs = Pick<RevocationParts, 'changesHeard' | 'hub' | 'hubId' | 'clock'> &
  Pick<CountingParts, 'deliverUsage' | 'supersededUses'> & { turns: KeyedQueue; lastRefusals: LastRefusals };

/** Gateways with an embedded verifier: their leases, and what they report. */
export function wireGateways(
  { config, log, metrics, warnings }: ProcessParts,
  { verifiersDb, reportsDb }: Stores,
  { changesHeard, hub, hubId, clock, deliverUsage, supersededUses, turns, lastRefusals }: Needs,
) {
  const verifiersMax = config.VERIFIERS_PER_MASTER_KEY_MAX;
  const reporters = new KnownReporters(reportsDb);
  return {
    verifiers: {
      db: verifiersDb,
      leaseMs: config.LEASE_MS,
      verifiersMax,
      turns,
      changes: changesHeard,
      limits: new VerifierLimits(verifiersMax),
      newest: new NewestHeartbeats(),
    },
    following: { db: verifiersDb, turns, verifiersMax, changes: changesHeard, hub, hubId, clock },
    usageReports: {
      reporters,
      lines: new KnownLines(reportsDb),
      budgets: new CallBudgets(),
      turns: new KeyedQueue(isServerAway),
      deliverUsage,
      noteSuperseded: (mark: UsageMark, masterKeyId: string) =>
        supersededUses.noteLine(mark.lineageId, masterKeyId, mark),
      onLeftOut: tellOfLeftOutUsage(log, metrics),
    },
    refusalReports: {
      db: reportsDb,
      reporters,
      turns: new KeyedQueue(isServerAway),
      note: ({ keyId, code, atMs, ip, ...from }: Omit<KeyRefusal, 'serial'>) =>
        lastRefusals.note(keyId, code, atMs, ip ?? undefined, from),
    },
    scopeReports: {
      db: reportsDb,
      reporters,
      turns: new KeyedQueue(isServerAway),
      saveScopes: scopeSaver(reportsDb, warnings),
    },
  };
}
