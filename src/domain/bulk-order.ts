import type { Actor } from './audit-event.ts';
import type { RevocationReason } from './revocation-reason.ts';

/** Changes of many keys at once. `revoke` is for good. */
export const bulkActions = ['revoke', 'disable', 'enable'] as const;
export type BulkAction = (typeof bulkActions)[number];

/** Filter of an order: the keys that it is about. Fields narrow together; undefined ones do not. */
export type BulkSelection = {
  userId?: string | undefined;
  organizationId?: string | undefined;
  environment?: string | undefined;
  mintedBy?: string | undefined;
  createdBefore?: Date | undefined;
  createdAfter?: Date | undefined;
  unusedSince?: Date | undefined;
  neverUsed?: boolean | undefined;
  scope?: string | undefined;
};

const names = {
  userId: 'user_id',
  organizationId: 'organization_id',
  environment: 'environment',
  mintedBy: 'minted_by',
  createdBefore: 'created_before',
  createdAfter: 'created_after',
  unusedSince: 'unused_since',
  neverUsed: 'never_used',
  scope: 'scope',
} as const satisfies Record<keyof BulkSelection, string>;

const fields = Object.keys(names) as (keyof BulkSelection)[];
const times: readonly string[] = ['createdBefore', 'createdAfter', 'unusedSince'];

/** The selection as the API writes it, always in the same order. */
export type BulkFilter = Partial<Record<(typeof names)[keyof BulkSelection], string | boolean>>;

export function toBulkFilter(selection: BulkSelection): BulkFilter {
  const set = fields.filter((field) => selection[field] !== undefined);
  return Object.fromEntries(
    set.map((field) => {
      const value = selection[field];
      return [names[field], value instanceof Date ? value.toISOString() : value];
    }),
  );
}

export function fromBulkFilter(filter: BulkFilter): BulkSelection {
  const set = fields.filter((field) => filter[names[field]] !== undefined);
  return Object.fromEntries(
    set.map((field) => {
      const value = filter[names[field]];
      return [field, times.includes(field) ? new Date(String(value)) : value];
    }),
  );
}

/**
 * An order about more keys than one call changes.
 *
 *     queued ──first batch──▶ running ──last batch──▶ completed
 *       └────────────cancel, between batches────────▶ cancelled
 *       └────────────the orderer may not any more───▶ failed
 */
export const jobStatuses = ['queued', 'running', 'completed', 'cancelled', 'failed'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Background job for an order about many keys, with its progress. */
export type Job = {
  id: string;
  action: BulkAction;
  filter: BulkFilter;
  reason: RevocationReason | null;
  orderer: Actor;
  /** Organization that the orderer, an operator, was impersonating. */
  onBehalfOf: string | null;
  status: JobStatus;
  /** Why it failed. */
  fault: string | null;
  /** Keys of the order; null where they were not counted. */
  total: number | null;
  affected: number;
  createdAt: Date;
  updatedAt: Date | null;
  finishedAt: Date | null;
};
