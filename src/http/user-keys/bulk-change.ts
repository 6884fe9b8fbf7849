import { z } from 'zod';
import { bulkActions } from '../../domain/bulk-order.ts';
import type { Caller, Principal } from '../../domain/principal.ts';
import { type BulkParts, type Ordered, orderBulkChange } from '../../usecases/user-keys/order-bulk-change.ts';
import { type Preview, previewBulkOrder } from '../../usecases/user-keys/preview-bulk-order.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noParams, noQuery, timestampText } from '../fields.ts';
import { reasonField } from '../revocation-reason.ts';
import { defineRoute } from '../route.ts';
import { jobId, laterPropagationFields, toLaterPropagation } from './job-answers.ts';
import { keyFields, toKeyAnswer } from './key-answers.ts';
import { bulkFilters, toSelection } from './key-filters.ts';

const tokenLengthMax = 4_096;

const body = z
  .strictObject({
    action: z.enum(bulkActions),
    filter: z
      .strictObject(bulkFilters)
      .refine((filter) => Object.keys(filter).length > 0, 'must name at least one thing'),
    ...reasonField,
    dry_run: z.literal(true).optional().describe('Shows what would change, and changes nothing'),
    confirm_token: z.string().max(tokenLengthMax).optional().describe('From the dry run of the same order'),
  })
  .refine(({ dry_run, confirm_token }) => (dry_run === true) !== (confirm_token !== undefined), {
    path: ['confirm_token'],
    message: 'is required, and comes from the same order with dry_run: true; not both',
  });

const previewAnswer = z.strictObject({
  count: z.int().describe('Keys that would change. Predecessors in grace of active ones go along'),
  sample: z.array(z.strictObject(keyFields)).describe('The newest of them, at most 20'),
  confirm_token: z.string().describe('Confirms exactly this, for the same caller'),
  expires_at: timestampText.describe('End of the token'),
});

const orderedAnswer = z.strictObject({
  success: z.literal(true),
  affected_count: z.int().describe('Keys that were changed; with a job the keys of the order'),
  ...laterPropagationFields,
  job_id: jobId.optional().describe('The job that changes the keys, or writes a stop into their rows'),
});

type Asked = { body: z.output<typeof body>; caller: Caller };

const changesMany = {
  method: 'post',
  description:
    'First with `dry_run: true`, then with the token of that answer: 409 `SELECTION_CHANGED` when keys came in, or changed, that the preview did not show; fewer are fine. Keys outside of the allow-lists are never among them. Up to 500 keys change in the call. More are changed by a job in batches, unless all keys of a master key (also before a time), of a user or of an organization are revoked: these are refused everywhere at once, whatever their number, and the job only tidies. Keys that are minted after the preview, also by a refresh, are not touched. A job goes on when its orderer has ended, except to enable keys.',
  params: noParams,
  query: noQuery,
  body,
  success: {
    200: 'The preview; or changed, and in effect everywhere.',
    202: 'Ordered. `propagation` says how far it is in effect, and `job_id` leads to its progress.',
  },
  answer: z.union([previewAnswer, orderedAnswer]),
  errors: ['SELECTION_CHANGED'],
  async handle(parts: BulkParts, { body, caller }: Asked) {
    const { action, filter, reason = 'unspecified', confirm_token: confirmToken } = body;
    const order = { action, selection: toSelection(filter) };
    if (confirmToken === undefined) {
      const preview = await previewBulkOrder(parts, caller, order);
      return { status: 200, body: toPreviewAnswer(preview, parts.clock.now()) };
    }
    const ordered = await orderBulkChange(parts, caller, { ...order, reason, confirmToken });
    return toOrderedAnswer(ordered, caller.principal);
  },
} as const;

function toPreviewAnswer({ count, sample, confirmToken, expiresAt }: Preview, now: Date) {
  return {
    count,
    sample: sample.map((key) => toKeyAnswer(key, now)),
    confirm_token: confirmToken,
    expires_at: expiresAt.toISOString(),
  };
}

function toOrderedAnswer({ affected, propagation, jobId }: Ordered, reader: Principal) {
  return {
    status: propagation?.isComplete ? 200 : 202,
    body: {
      success: true as const,
      affected_count: affected,
      ...toLaterPropagation(propagation, reader),
      ...(jobId !== undefined && { job_id: jobId }),
    },
  };
}

export const bulkChangeRoute = defineRoute({
  ...changesMany,
  path: '/v1/flowplate/api-keys/bulk',
  operationId: 'bulkChangeKeys',
  summary: 'Revoke, disable or enable many keys',
  access: masterKey('keys:bulk'),
});

export const bulkChangeForPlatformRoute = defineRoute({
  ...changesMany,
  path: '/api/v1/platform/hidden-keys/bulk',
  operationId: 'bulkChangeHiddenKeys',
  summary: 'Revoke, disable or enable many hidden user keys',
  access: platformCaller('platform:hidden_keys:manage', 'confined'),
});
