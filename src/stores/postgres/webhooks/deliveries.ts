import { type RawBuilder, sql } from 'kysely';
import { idFloor } from '../../../domain/ids.ts';
import type { DeliveryStatus, WebhookAnswer, WebhookFault } from '../../../domain/webhook.ts';
import type { Database, Db, Tx } from '../database.ts';
import { deleteInBatches } from '../delete-in-batches.ts';
import { type Subscription, subscribed } from './subscription.ts';

/** What became of one event at one endpoint. */
export type Delivery = {
  eventId: string;
  status: DeliveryStatus;
  isReplay: boolean;
  attempts: number;
  nextAttemptAt: Date | null;
  /** Null before the first attempt. */
  lastAttemptAt: Date | null;
  answer: WebhookAnswer | null;
};

/** Newest event first, starting after the event `before`. */
export async function listDeliveries(
  db: Db,
  webhookId: string,
  {
    status,
    limit,
    before,
  }: { status: DeliveryStatus | undefined; limit: number; before: string | undefined },
): Promise<Delivery[]> {
  let query = db
    .selectFrom('webhook_deliveries')
    .select([
      'event_id',
      'status',
      'is_replay',
      'attempts',
      'next_attempt_at',
      'last_attempt_at',
      'answer_status',
      'answer_body',
      'fault',
      'duration_ms',
    ])
    .where('webhook_id', '=', webhookId);
  if (status !== undefined) query = query.where(sql<boolean>`status = ${sql.lit(status)}`);
  if (before !== undefined) query = query.where('event_id', '<', before);
  const rows = await query.orderBy('event_id', 'desc').limit(limit).execute();
  return rows.map((row) => ({
    eventId: row.event_id,
    status: row.status as DeliveryStatus,
    isReplay: row.is_replay,
    attempts: row.attempts,
    nextAttemptAt: row.status === 'pending' ? row.next_attempt_at : null,
    lastAttemptAt: row.last_attempt_at,
    answer:
      row.duration_ms === null
        ? null
        : {
            status: row.answer_status,
            body: row.answer_body,
            fault: row.fault as WebhookFault | null,
            durationMs: row.duration_ms,
          },
  }));
}

type Place = { webhookId: string; position: number; subscription: Subscription };

/**
 * Queues these events again, and returns the ids that it queued. An event that the endpoint has not
 * come to yet, or may not see, is not queued.
 */
export function replayEvents(tx: Tx, place: Place, eventIds: readonly string[]): Promise<string[]> {
  return replay(tx, place, { chosen: sql`e.id = ANY(${[...eventIds]}::text[])`, limit: eventIds.length });
}

/** The same for the events of a time: at most `limit` of them, the oldest first. */
export function replayTime(
  tx: Tx,
  place: Place,
  { from, to, limit }: { from: Date; to: Date; limit: number },
): Promise<string[]> {
  const chosen = sql`e.id >= ${idFloor('auditEvent', from)} AND e.id < ${idFloor('auditEvent', to)}`;
  return replay(tx, place, { chosen, limit });
}

/** Whether there are more than `max` events of a time, of all types. */
export async function isLongTime(
  tx: Tx,
  { from, to, max }: { from: Date; to: Date; max: number },
): Promise<boolean> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::integer AS count FROM (
      SELECT FROM audit_events e
      WHERE e.id >= ${idFloor('auditEvent', from)} AND e.id < ${idFloor('auditEvent', to)}
      LIMIT ${max + 1}) AS found`.execute(tx);
  return (rows[0]?.count ?? 0) > max;
}

/** One that is waiting anyway is tried at once, in its place of the order. */
async function replay(
  tx: Tx,
  { webhookId, position, subscription }: Place,
  { chosen, limit }: { chosen: RawBuilder<unknown>; limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO webhook_deliveries AS d (webhook_id, event_id, seq, status, is_replay, next_attempt_at)
    SELECT ${webhookId}, e.id, s.seq, 'pending', true, clock_timestamp()
    FROM audit_events e CROSS JOIN LATERAL (SELECT seq FROM audit_seals WHERE event_id = e.id LIMIT 1) s
    WHERE ${chosen} AND ${subscribed(subscription)} AND (s.seq <= ${position} OR EXISTS (
      SELECT FROM webhook_deliveries WHERE webhook_id = ${webhookId} AND event_id = e.id))
    ORDER BY e.id LIMIT ${limit}
    ON CONFLICT (webhook_id, event_id) DO UPDATE SET status = 'pending', attempts = 0,
      next_attempt_at = clock_timestamp(), is_replay = d.is_replay OR d.status <> 'pending'
    RETURNING event_id AS id`.execute(tx);
  return rows.map(({ id }) => id);
}

/** Stores how a test went. */
export async function saveTest(
  db: Db,
  test: { webhookId: string; eventId: string; isDelivered: boolean; at: Date; answer: WebhookAnswer },
): Promise<void> {
  const { answer } = test;
  await db
    .insertInto('webhook_deliveries')
    .values({
      webhook_id: test.webhookId,
      event_id: test.eventId,
      status: test.isDelivered ? 'delivered' : 'dead',
      attempts: 1,
      last_attempt_at: test.at,
      answer_status: answer.status,
      answer_body: answer.body,
      fault: answer.fault,
      duration_ms: answer.durationMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/**
 * Deletes settled deliveries whose last attempt was before `time`, and all of endpoints that are
 * gone. Returns their number. The ids of events begin with a time, so the primary key serves.
 */
export async function deleteDeliveriesBefore(db: Database, time: Date): Promise<number> {
  let deleted = 0;
  for (const { id, isGone } of await listWebhooksWithDeliveries(db)) {
    const old = sql<boolean>`event_id < ${idFloor('auditEvent', time)} AND status <> 'pending' AND last_attempt_at < ${time}`;
    const condition = sql<boolean>`webhook_id = ${id} AND ${isGone ? sql<boolean>`true` : old}`;
    deleted += await deleteInBatches(db, 'webhook_deliveries', condition);
  }
  return deleted;
}

/** One look at the index for each, whatever the number of its rows. */
async function listWebhooksWithDeliveries(db: Db): Promise<Array<{ id: string; isGone: boolean }>> {
  const { rows } = await sql<{ id: string; isGone: boolean }>`
    WITH RECURSIVE found AS (
      (SELECT min(webhook_id) AS id FROM webhook_deliveries)
      UNION ALL
      SELECT (SELECT min(webhook_id) FROM webhook_deliveries WHERE webhook_id > found.id) FROM found WHERE found.id IS NOT NULL)
    SELECT id, NOT EXISTS (SELECT FROM webhooks WHERE webhooks.id = found.id) AS "isGone"
    FROM found WHERE id IS NOT NULL`.execute(db);
  return rows;
}
