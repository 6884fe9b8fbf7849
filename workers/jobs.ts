import { checkAudit } from '../src/usecases/audit/check-audit.ts';
import { sealAudit } from '../src/usecases/audit/seal-audit.ts';
import { streamAudit } from '../src/usecases/audit/stream-audit.ts';
import { tellHeldBackUses } from '../src/usecases/leaks/tell-canary-uses.ts';
import { tellEndingMasterKeys } from '../src/usecases/master-keys/tell-ending-master-keys.ts';
import { tellUnusedMasterKeys } from '../src/usecases/master-keys/tell-unused-master-keys.ts';
import { fillMinters } from '../src/usecases/upkeep/fill-minters.ts';
import { foldKeyCounts } from '../src/usecases/upkeep/fold-key-counts.ts';
import { pruneAskedScopes } from '../src/usecases/upkeep/prune-asked-scopes.ts';
import { pruneChanges } from '../src/usecases/upkeep/prune-changes.ts';
import { pruneIdempotency } from '../src/usecases/upkeep/prune-idempotency.ts';
import { pruneKeys } from '../src/usecases/upkeep/prune-keys.ts';
import { pruneSessions } from '../src/usecases/upkeep/prune-sessions.ts';
import { pruneWaitingKeys } from '../src/usecases/upkeep/prune-waiting-keys.ts';
import { watchAskedScopes } from '../src/usecases/upkeep/watch-asked-scopes.ts';
import { managePartitions } from '../src/usecases/usage/manage-partitions.ts';
import { rollUpWhenDue } from '../src/usecases/usage/roll-up-when-due.ts';
import { expireDueKeys } from '../src/usecases/user-keys/expire-due-keys.ts';
import { runBulkOrders } from '../src/usecases/user-keys/run-bulk-orders.ts';
import { tellDueRotations } from '../src/usecases/user-keys/tell-due-rotations.ts';
import { tellEndingKeys } from '../src/usecases/user-keys/tell-ending-keys.ts';
import { tellSpentQuotas } from '../src/usecases/user-keys/tell-spent-quotas.ts';
import { tellStaleKeys } from '../src/usecases/user-keys/tell-stale-keys.ts';
import { tidyStops } from '../src/usecases/user-keys/tidy-stops.ts';
import { tellLapsedVerifiers } from '../src/usecases/verifiers/tell-lapsed-verifiers.ts';
import { pruneDeliveries } from '../src/usecases/webhooks/prune-deliveries.ts';
import { wakeWebhooks } from '../src/usecases/webhooks/wake-webhooks.ts';
import type { WorkerParts } from '../src/wire/worker.ts';

/** A background job: its interval, and one use case. The result of `run` goes into the log. */
export type Job = { everyMs: number; run(parts: WorkerParts): Promise<unknown> };

/**
 * The background jobs by name. None has a payload: each looks for due work in Postgres or Redis, so
 * a lost queue only delays it. Each is idempotent: a run that is repeated, killed or doubled
 * changes nothing.
 */
export const jobs = {
  'roll-up-usage': { everyMs: 2_000, run: oneAtATime(rollUpWhenDue) },
  'fold-key-counts': { everyMs: 2_000, run: oneAtATime(foldKeyCounts) },
  'seal-audit': { everyMs: 3_000, run: sealAudit },
  'stream-audit': { everyMs: 2_000, run: oneAtATime(streamAudit) },
  'fill-minted-by': { everyMs: 5_000, run: oneAtATime(fillMinters) },
  'tidy-stops': { everyMs: 2_000, run: oneAtATime(tidyStops) },
  'run-bulk-orders': { everyMs: 2_000, run: oneAtATime(runBulkOrders) },
  'wake-webhooks': { everyMs: 2_000, run: oneAtATime(wakeWebhooks) },
  'expire-keys': { everyMs: 15_000, run: expireDueKeys },
  'tell-ending-keys': { everyMs: 60_000, run: oneAtATime((parts) => tellEndingKeys(parts)) },
  'tell-due-rotations': { everyMs: 60_000, run: oneAtATime((parts) => tellDueRotations(parts)) },
  'tell-stale-keys': { everyMs: 60_000, run: oneAtATime((parts) => tellStaleKeys(parts)) },
  'tell-spent-quotas': { everyMs: 5_000, run: oneAtATime((parts) => tellSpentQuotas(parts)) },
  'tell-ending-master-keys': { everyMs: 60_000, run: (parts) => tellEndingMasterKeys(parts) },
  'tell-unused-master-keys': { everyMs: 60_000, run: (parts) => tellUnusedMasterKeys(parts) },
  'tell-lapsed-verifiers': { everyMs: 60_000, run: (parts) => tellLapsedVerifiers(parts) },
  'watch-asked-scopes': { everyMs: 60_000, run: watchAskedScopes },
  'check-audit': { everyMs: 60_000, run: oneAtATime(checkAudit) },
  'tell-canary-uses': { everyMs: 15_000, run: oneAtATime(tellHeldBackUses) },
  'prune-changes': { everyMs: 60_000, run: pruneChanges },
  'prune-outcomes': { everyMs: 300_000, run: pruneIdempotency },
  'prune-sessions': { everyMs: 300_000, run: pruneSessions },
  'prune-keys': { everyMs: 3_600_000, run: oneAtATime(pruneKeys) },
  'prune-asked-scopes': { everyMs: 3_600_000, run: pruneAskedScopes },
  'prune-waiting-keys': { everyMs: 300_000, run: pruneWaitingKeys },
  'prune-deliveries': { everyMs: 300_000, run: oneAtATime(pruneDeliveries) },
  'manage-partitions': { everyMs: 3_600_000, run: managePartitions },
} satisfies Record<string, Job>;

export type JobName = keyof typeof jobs;

/**
 * Skips a run while the last one of this process goes on: a second one would read the same flushes.
 */
function oneAtATime(run: Job['run']): Job['run'] {
  let isRunning = false;
  return async (parts) => {
    if (isRunning) return 0;
    isRunning = true;
    try {
      return await run(parts);
    } finally {
      isRunning = false;
    }
  };
}
