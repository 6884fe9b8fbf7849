import { type Job, toBulkFilter } from '../../domain/bulk-order.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { StopKind } from '../../domain/key-stop.ts';
import { type Caller, isPlatformCaller, originOf } from '../../domain/principal.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findBulkOrder } from '../../stores/postgres/user-keys/bulk-orders.ts';
import { findStop, type StopProgress } from '../../stores/postgres/user-keys/key-stops.ts';

/**
 * A job by its id, of a bulk order or of a stop. Operators see all; one who impersonates an
 * organization those that were ordered inside it, and a master key its own. `JOB_NOT_FOUND` for
 * every other.
 */
export async function findVisibleJob(db: Db, caller: Caller, id: string): Promise<Job> {
  const stop = id.startsWith('stop_') ? await findStop(db, id) : undefined;
  const job = stop === undefined ? await findBulkOrder(db, id) : toJob(stop);
  if (job === undefined || !isVisible(caller, job)) throw new FlowplateError('JOB_NOT_FOUND');
  return job;
}

function isVisible(caller: Caller, { orderer, onBehalfOf }: Job): boolean {
  const { principal } = caller;
  if (!isPlatformCaller(principal)) return orderer.kind === principal.kind && orderer.id === principal.id;
  const inside = originOf(caller).onBehalfOf ?? null;
  return inside === null || inside === onBehalfOf;
}

const fields: Record<StopKind, 'mintedBy' | 'userId' | 'organizationId'> = {
  minted_by: 'mintedBy',
  user: 'userId',
  organization: 'organizationId',
};

/** The keys of a stop are refused already; the job writes it into their rows. */
function toJob(stop: StopProgress): Job {
  const { kind, subject, createdBefore, createdAt, tidiedAt } = stop;
  return {
    id: stop.id,
    action: 'revoke',
    filter: toBulkFilter({ [fields[kind]]: subject, createdBefore: createdBefore ?? undefined }),
    reason: stop.reason,
    orderer: stop.orderer,
    onBehalfOf: stop.onBehalfOf,
    status: tidiedAt === null ? 'running' : 'completed',
    fault: null,
    total: null,
    affected: stop.endedKeys,
    createdAt,
    updatedAt: null,
    finishedAt: tidiedAt,
  };
}
