import { setTimeout as sleep } from 'node:timers/promises';
import { type Origin, systemOrigin } from '../../domain/audit-event.ts';
import { fromBulkFilter } from '../../domain/bulk-order.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { findApiKeyHolder } from '../../stores/postgres/api-keys/api-keys.ts';
import { holdMasterKey, isKeyActive } from '../../stores/postgres/authority.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { findPlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';
import { listPermissionsOf } from '../../stores/postgres/platform-users/roles.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import {
  endBulkOrder,
  listOpenBulkOrders,
  lockOpenBulkOrder,
  type OpenBulkOrder,
  saveBulkProgress,
} from '../../stores/postgres/user-keys/bulk-orders.ts';
import type { KeyFilter } from '../../stores/postgres/user-keys/user-keys.ts';
import { findKeys } from '../../stores/postgres/user-keys/walk-keys.ts';
import { commitAt, type Decision, type EventDraft } from '../change.ts';
import { changeKeys, keysPerChange } from './change-keys.ts';

/** A run ends after so long, so that a worker that stops waits no longer for it. */
const runMsMax = 10_000;
/** For the keys of one batch. A cancel waits for the batch, at most 0.7 s. */
const findMsMax = 200;

type Parts = { db: Database; randomBytes: RandomBytes };

/**
 * Carries out the orders about many keys, in batches, each with its audit events and its entries in
 * the feed; returns the number of keys. Where an order stands is kept in the transaction of each
 * batch, so a run may be killed, repeated or doubled: no key is left out, and none changes twice.
 */
export async function runBulkOrders(parts: Parts): Promise<number> {
  const untilMs = performance.now() + runMsMax;
  let affected = 0;
  for (const id of await listOpenBulkOrders(parts.db)) {
    for (let isGoingOn = true; isGoingOn && performance.now() < untilMs; ) {
      const startedMs = performance.now();
      const step = await runBatch(parts, id);
      affected += step.affected;
      isGoingOn = step.isGoingOn;
      // As long as it took: verification and other changes need the processor and the disk too.
      if (isGoingOn) await sleep(performance.now() - startedMs);
    }
  }
  return affected;
}

type Step = { affected: number; isGoingOn: boolean };
const over: Decision<Step> = {
  answer: { affected: 0, isGoingOn: false },
  events: [],
  revokes: revokesNothing,
};

async function runBatch(parts: Parts, id: string): Promise<Step> {
  const now = await readServerTime(parts.db);
  const { answer } = await commitAt(parts, now, { by: systemOrigin }, async (tx) => {
    const order = await lockOpenBulkOrder(tx, id);
    if (order === undefined) return over;
    if (order.action === 'enable' && !(await mayStillOrder(tx, order, now))) return fail(tx, order, now);
    return changeBatch(tx, order, now);
  });
  return answer;
}

async function changeBatch(tx: Tx, order: OpenBulkOrder, now: Date): Promise<Decision<Step>> {
  const { id, action, reason } = order;
  const filter: KeyFilter = {
    ...fromBulkFilter(order.filter),
    ...{ ...order.reach, action, mintNumberMax: order.newestMintNumber ?? 0, now },
  };
  const page = { limit: keysPerChange, before: order.place, budgetMs: findMsMax };
  const { keys, next } = await findKeys(tx, filter, page);
  const batch = {
    orderId: id,
    action,
    filter,
    reason: reason ?? 'unspecified',
    ids: keys.map((key) => key.id),
  };
  const { answer, events, revokes } = await changeKeys(tx, batch, now);
  await saveBulkProgress(tx, { id, affected: answer.affected, place: next, now });
  const origin = originOfOrder(order);
  const ended = next === undefined ? [endedEvent(order, 'completed', answer.affected)] : [];
  return {
    answer: { ...answer, isGoingOn: next !== undefined },
    events: [...events.map((event) => ({ ...event, origin })), ...ended],
    revokes,
  };
}

/**
 * Whether the orderer still has the right that the order took. Only an order that gives access
 * needs it: to go on refusing keys is safe, and a leaked master key must not end its own clean-up.
 */
async function mayStillOrder(tx: Tx, { orderer }: OpenBulkOrder, now: Date): Promise<boolean> {
  if (orderer.kind === 'master_key') return holdMasterKey(tx, orderer.id);
  return (await listPermissionsOf(tx, await rolesOf(tx, orderer, now))).includes(
    'platform:hidden_keys:manage',
  );
}

async function rolesOf(
  tx: Tx,
  { kind, id }: OpenBulkOrder['orderer'],
  now: Date,
): Promise<readonly string[]> {
  if (kind === 'platform_key') {
    return (await isKeyActive(tx, id, now)) ? ((await findApiKeyHolder(tx, id))?.roleIds ?? []) : [];
  }
  const user = await findPlatformUser(tx, id);
  return user?.isActive ? user.roleIds : [];
}

async function fail(tx: Tx, order: OpenBulkOrder, now: Date): Promise<Decision<Step>> {
  await endBulkOrder(tx, { id: order.id, status: 'failed', fault: 'ORDERER_LOST_RIGHTS', now });
  return { ...over, events: [endedEvent(order, 'failed', 0)] };
}

function endedEvent(order: OpenBulkOrder, status: 'completed' | 'failed', affected: number): EventDraft {
  return {
    eventType: 'keys.bulk_ended',
    organizationId: null,
    targetId: order.id,
    details: { action: order.action, status, affected: order.affected + affected },
  };
}

/** The keys change in the name of the orderer. */
function originOfOrder({ orderer, requestId, onBehalfOf }: OpenBulkOrder): Origin {
  return { actor: orderer, requestId, onBehalfOf };
}
