import { type BulkSelection, toBulkFilter } from '../../domain/bulk-order.ts';
import { openConfirmToken, type Previewed, recentSince } from '../../domain/confirm-token.ts';
import { FlowplateError, validationError } from '../../domain/errors.ts';
import { newId } from '../../domain/ids.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { StopSubject } from '../../domain/key-stop.ts';
import { type Caller, originOf, queueOf } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { insertBulkOrder } from '../../stores/postgres/user-keys/bulk-orders.ts';
import { isAnyChangedSince } from '../../stores/postgres/user-keys/change-keys.ts';
import type { KeyFilter } from '../../stores/postgres/user-keys/user-keys.ts';
import { hasWaitingKeys, removeWaitingOfMinter } from '../../stores/postgres/user-keys/waiting-keys.ts';
import {
  countKeys,
  countRecentKeys,
  findKeys,
  type KeyCount,
} from '../../stores/postgres/user-keys/walk-keys.ts';
import { type ChangeParts, change, type EventDraft } from '../change.ts';
import { changeKeys, keysPerChange } from './change-keys.ts';
import type { BulkRequest, PreviewParts } from './preview-bulk-order.ts';
import { type StopRequest, stopKeys } from './stop-keys.ts';

export type BulkParts = ChangeParts & PreviewParts;

export type BulkOrder = BulkRequest & { reason: RevocationReason; confirmToken: string };

/**
 * `affected`: keys that were changed; of a job those that it is to change. `propagation`: undefined
 * while a job has still to change them.
 */
export type Ordered = { affected: number; propagation: Propagation | undefined; jobId?: string };

/**
 * Carries out what a preview has shown. Up to 500 keys change in the call. More are revoked at once
 * by a stop where the selection is one, and else become a job of the worker. So are fewer, when the
 * master key has issued keys that wait for their first use: a stop covers these whenever they are
 * used. `VALIDATION_ERROR` for
 * a token that is not of this caller and preview; `SELECTION_CHANGED` when keys came in, or
 * changed, that the preview did not show.
 */
export async function orderBulkChange(parts: BulkParts, caller: Caller, order: BulkOrder): Promise<Ordered> {
  const previewed = openToken(parts, caller, order);
  const { organizationIds, environments } = caller.principal;
  const filter: KeyFilter = {
    ...order.selection,
    ...{ action: order.action, organizationIds, environments, now: parts.clock.now() },
  };
  const subject = order.action === 'revoke' ? stoppable(order.selection) : undefined;
  const count = await parts.reads.run(queueOf(caller.principal), () =>
    subject === undefined ? recount(parts, filter, previewed) : countOfRule(parts, filter, previewed),
  );
  const known = { ...filter, mintNumberMax: previewed.newestMintNumber ?? 0 };
  const isFew = count <= keysPerChange;
  const minter = order.action === 'revoke' ? order.selection.mintedBy : undefined;
  const hasWaiting = minter !== undefined && (await hasWaitingKeys(parts.db, minter));
  if (isFew && !hasWaiting) return changeNow(parts, caller, order, known);
  const stopped = subject && (await stopAll(parts, caller, { ...subject, reason: order.reason }));
  if (stopped !== undefined) return { affected: count, ...stopped };
  if (isFew) return changeNow(parts, caller, order, known);
  return changeLater(parts, caller, order, { ...previewed, count });
}

function openToken({ keyring, clock }: BulkParts, { principal }: Caller, order: BulkOrder): Previewed {
  const filter = toBulkFilter(order.selection);
  const previewed = openConfirmToken(keyring, principal, order.confirmToken, {
    action: order.action,
    filter,
    now: clock.now(),
  });
  if (previewed !== undefined) return previewed;
  const message = 'is not of a preview of this order by you, or has expired: repeat it with dry_run';
  throw validationError([{ path: 'confirm_token', message }]);
}

/** Fewer keys than in the preview are fine. */
async function recount({ db }: BulkParts, filter: KeyFilter, previewed: Previewed): Promise<number> {
  const now = await countKeys(db, filter);
  const cameIn = now.count > previewed.count || (await isNewTo(db, filter, now, previewed));
  if (!cameIn) return now.count;
  throw selectionChanged(now.count, previewed);
}

/**
 * What is one rule needs no second count of perhaps a million keys, while a leaked key is accepted:
 * only what came in is looked for. Returns the count of the preview, of which keys may have left.
 */
async function countOfRule({ db }: BulkParts, filter: KeyFilter, previewed: Previewed): Promise<number> {
  const recent = await countRecentKeys(db, filter, recentSince(previewed));
  const cameIn = recent.count > previewed.recentCount || (await isNewTo(db, filter, recent, previewed));
  if (!cameIn) return previewed.count;
  throw selectionChanged((await countKeys(db, filter)).count, previewed);
}

async function isNewTo(
  db: BulkParts['db'],
  filter: KeyFilter,
  { newestMintNumber }: KeyCount,
  previewed: Previewed,
): Promise<boolean> {
  if ((newestMintNumber ?? 0) > (previewed.newestMintNumber ?? 0)) return true;
  return isAnyChangedSince(db, filter, previewed.feedSeq);
}

function selectionChanged(count: number, previewed: Previewed): FlowplateError {
  return new FlowplateError('SELECTION_CHANGED', { details: { count, previewed_count: previewed.count } });
}

async function changeNow(
  parts: BulkParts,
  caller: Caller,
  { action, selection, reason }: BulkOrder,
  filter: KeyFilter,
): Promise<Ordered> {
  const { answer, propagation } = await change<{ affected: number }>(
    parts,
    { by: caller },
    async (tx, now) => {
      await endWaiting(tx, caller, { action, selection });
      const orderId = newId('job', now, parts.randomBytes);
      const { keys } = await findKeys(tx, filter, { limit: keysPerChange });
      const ids = keys.map(({ id }) => id);
      const { events, ...decision } = await changeKeys(tx, { orderId, action, filter, reason, ids }, now);
      const ordered = orderedEvent(orderId, { action, selection, reason, count: keys.length });
      return { ...decision, events: [ordered, ...events] };
    },
  );
  return { ...answer, propagation };
}

/**
 * Keys that wait for their first use, issued by the master key of the selection. By every other
 * filter they end with the key before them.
 */
async function endWaiting(
  tx: Tx,
  { principal }: Caller,
  { action, selection: { mintedBy, ...owner } }: Pick<BulkOrder, 'action' | 'selection'>,
): Promise<void> {
  if (action !== 'revoke' || mintedBy === undefined) return;
  await removeWaitingOfMinter(tx, mintedBy, owner, principal);
}

/** Undefined when this way is not open. */
async function stopAll(
  parts: BulkParts,
  caller: Caller,
  request: StopRequest,
): Promise<{ propagation: Propagation; jobId: string } | undefined> {
  const stopped = await stopKeys(parts, caller, request);
  return stopped && { propagation: stopped.propagation, jobId: stopped.stopId };
}

/** Undefined unless the selection is all keys of a master key, a user or an organization. */
function stoppable(selection: BulkSelection): Omit<StopRequest, 'reason'> | undefined {
  const { userId, organizationId, mintedBy, createdBefore, ...rest } = selection;
  if (Object.values(rest).some((value) => value !== undefined)) return undefined;
  const subjects: StopSubject[] = [
    ...(mintedBy === undefined ? [] : [{ kind: 'minted_by', subject: mintedBy } as const]),
    ...(userId === undefined ? [] : [{ kind: 'user', subject: userId } as const]),
    ...(organizationId === undefined ? [] : [{ kind: 'organization', subject: organizationId } as const]),
  ];
  const [subject, ...others] = subjects;
  return subject === undefined || others.length > 0 ? undefined : { ...subject, createdBefore };
}

async function changeLater(
  parts: BulkParts,
  caller: Caller,
  { action, selection, reason }: BulkOrder,
  { count, newestMintNumber }: Pick<Previewed, 'count' | 'newestMintNumber'>,
): Promise<Ordered> {
  const { answer } = await change<{ jobId: string }>(parts, { by: caller }, async (tx, now) => {
    await endWaiting(tx, caller, { action, selection });
    const id = newId('job', now, parts.randomBytes);
    const { principal } = caller;
    const order = { id, action, filter: toBulkFilter(selection), reason, reach: principal };
    await insertBulkOrder(tx, { ...order, newestMintNumber, origin: originOf(caller), total: count, now });
    const event = orderedEvent(id, { action, selection, reason, count });
    return { answer: { jobId: id }, events: [event], revokes: revokesNothing };
  });
  return { affected: count, propagation: undefined, ...answer };
}

function orderedEvent(
  orderId: string,
  { action, selection, reason, count }: BulkRequest & { reason: RevocationReason; count: number },
): EventDraft {
  return {
    eventType: 'keys.bulk_ordered',
    organizationId: selection.organizationId ?? null,
    targetId: orderId,
    details: { action, filter: toBulkFilter(selection), reason, count },
  };
}
