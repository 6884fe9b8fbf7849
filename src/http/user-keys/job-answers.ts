import { z } from 'zod';
import { bulkActions, jobStatuses } from '../../domain/bulk-order.ts';
import type { Principal } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { revocationReasons } from '../../domain/revocation-reason.ts';
import type { JobState } from '../../usecases/user-keys/job-state.ts';
import { timestampText } from '../fields.ts';
import { propagationFields, toPropagation } from '../propagation.ts';

/** Propagation of what may still have to be changed. */
export const laterPropagationFields = {
  ...propagationFields,
  propagation_detail: propagationFields.propagation_detail.extend({
    effective_by: timestampText
      .nullable()
      .describe('Time from which it is in effect everywhere. Null while a job has still to change keys'),
  }),
};

/** Undefined while a job has still to change keys: nobody knows how long that takes. */
export function toLaterPropagation(propagation: Propagation | undefined, reader: Principal) {
  if (propagation !== undefined) return toPropagation(propagation, reader);
  const detail = { acknowledged: 0, total: 0, waited_ms: 0, effective_by: null };
  return { propagation: 'pending' as const, propagation_detail: detail };
}

export const jobId = z.string().regex(/^(job|stop)_[0-9A-Za-z]{12,40}$/, 'must be the id of a job');

export const jobAnswer = z.strictObject({
  job_id: jobId,
  action: z.enum(bulkActions),
  filter: z.record(z.string(), z.union([z.string(), z.boolean()])),
  reason: z.enum(revocationReasons).nullable(),
  status: z.enum(jobStatuses).describe('Expect further ones'),
  fault: z
    .string()
    .nullable()
    .describe(
      'Why it failed: `ORDERER_LOST_RIGHTS` for an order to enable keys whose orderer may not any more',
    ),
  total_count: z.int().nullable().describe('Keys of the order; null where they were not counted'),
  affected_count: z.int().describe('Keys changed so far, predecessors in grace included'),
  created_at: timestampText,
  updated_at: timestampText.nullable(),
  finished_at: timestampText.nullable(),
  ...laterPropagationFields,
});

export function toJobAnswer({ job, propagation }: JobState, reader: Principal) {
  return {
    job_id: job.id,
    action: job.action,
    filter: job.filter as Record<string, string | boolean>,
    reason: job.reason,
    status: job.status,
    fault: job.fault,
    total_count: job.total,
    affected_count: job.affected,
    created_at: job.createdAt.toISOString(),
    updated_at: job.updatedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
    ...toLaterPropagation(propagation, reader),
  };
}
