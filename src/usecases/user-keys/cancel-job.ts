import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller } from '../../domain/principal.ts';
import { endBulkOrder } from '../../stores/postgres/user-keys/bulk-orders.ts';
import { type ChangeParts, change } from '../change.ts';
import { findVisibleJob } from './find-visible-job.ts';
import { type JobState, withPropagation } from './job-state.ts';

/**
 * Ends a job before its next batch; keys that it has changed stay so. A job that is over stays as
 * it is, which is a success. `JOB_NOT_FOUND`; `JOB_NOT_CANCELLABLE` for a stop, whose keys are
 * refused already.
 */
export async function cancelJob(parts: ChangeParts, caller: Caller, id: string): Promise<JobState> {
  await change(parts, { by: caller }, async (tx, now) => {
    const { action, affected } = await findVisibleJob(tx, caller, id);
    if (id.startsWith('stop_')) throw new FlowplateError('JOB_NOT_CANCELLABLE');
    const isCancelled = await endBulkOrder(tx, { id, status: 'cancelled', now });
    const details = { action, affected };
    const event = { eventType: 'keys.bulk_cancelled', organizationId: null, targetId: id, details } as const;
    return { answer: {}, events: isCancelled ? [event] : [], revokes: revokesNothing };
  });
  return withPropagation(parts, await findVisibleJob(parts.db, caller, id));
}
