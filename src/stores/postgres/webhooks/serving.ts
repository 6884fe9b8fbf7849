import { sql } from 'kysely';
import type { Webhook, WebhookAnswer } from '../../../domain/webhook.ts';
import type { Db } from '../database.ts';
import {
  type SealedSecrets,
  type SecretRow,
  toSecrets,
  toWebhook,
  type WebhookRow,
  webhookColumns,
} from './webhooks.ts';

/** The right to send to one endpoint, for as long as its lease is extended. */
export type Lease = { webhookId: string; holder: string; leaseMs: number };

export type ServedWebhook = Webhook & { secrets: SealedSecrets; isOrganizationDeleted: boolean };

/**
 * Takes the lease of an enabled endpoint. Undefined when another worker holds it, or there is
 * nothing to serve.
 */
export async function takeWebhook(
  db: Db,
  { webhookId, holder, leaseMs }: Lease,
): Promise<ServedWebhook | undefined> {
  const { rows } = await sql<WebhookRow & SecretRow & { is_organization_deleted: boolean }>`
    WITH taken AS (
      UPDATE webhooks SET served_by = ${holder}, served_until = ${leaseEnd(leaseMs)}
      WHERE id = ${webhookId} AND enabled AND (served_until IS NULL OR served_until < clock_timestamp())
      RETURNING *)
    SELECT ${webhookColumns}, secret, pepper_id, previous_pepper_id,
      CASE WHEN previous_until > clock_timestamp() THEN previous_secret END AS previous_secret,
      organization_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM organizations WHERE id = taken.organization_id AND status <> 'deleted') AS is_organization_deleted
    FROM taken`.execute(db);
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    ...toWebhook(row),
    secrets: toSecrets(row),
    isOrganizationDeleted: row.is_organization_deleted,
  };
}

/** Gives the lease back, so that the next turn need not wait for its end. */
export async function releaseWebhook(db: Db, { webhookId, holder }: Lease): Promise<void> {
  await sql`
    UPDATE webhooks SET served_by = NULL, served_until = NULL
    WHERE id = ${webhookId} AND served_by = ${holder}`.execute(db);
}

/** What became of one attempt. `retryAt`: null when the event is settled. */
export type Attempt = {
  eventId: string;
  seq: number | null;
  status: 'pending' | 'delivered' | 'dead';
  isReplay: boolean;
  attempts: number;
  retryAt: Date | null;
  at: Date;
  answer: WebhookAnswer;
};

export type Progress = {
  position: number;
  attempts: readonly Attempt[];
  /** Null after a delivery; undefined leaves it as it is. */
  failingSince: Date | null | undefined;
  lastDeliveredAt: Date | undefined;
};

/**
 * Stores attempts and the position that follows from them, and extends the lease, in one statement.
 * False, and nothing is stored, when the lease is lost or the endpoint is disabled or deleted: an
 * operator or another worker has the say now.
 */
export async function saveWebhookProgress(
  db: Db,
  { webhookId, holder, leaseMs }: Lease,
  { position, attempts, failingSince, lastDeliveredAt }: Progress,
): Promise<boolean> {
  const { rows } = await sql<{ held: boolean }>`
    WITH held AS (
      UPDATE webhooks SET position = greatest(position, ${position}), served_until = ${leaseEnd(leaseMs)},
        failing_since = CASE WHEN ${failingSince !== undefined} THEN ${failingSince ?? null}::timestamptz ELSE failing_since END,
        last_delivered_at = coalesce(${lastDeliveredAt ?? null}::timestamptz, last_delivered_at)
      WHERE id = ${webhookId} AND served_by = ${holder} AND enabled RETURNING id),
    saved AS (
      INSERT INTO webhook_deliveries (webhook_id, event_id, seq, status, is_replay, attempts, next_attempt_at,
        last_attempt_at, answer_status, answer_body, fault, duration_ms)
      SELECT held.id, attempt.event_id, attempt.seq, attempt.status, attempt.is_replay, attempt.attempts,
        attempt.next_attempt_at, attempt.last_attempt_at, attempt.answer_status, attempt.answer_body, attempt.fault,
        attempt.duration_ms
      FROM held, json_populate_recordset(NULL::webhook_deliveries, ${toJson(attempts)}::json) AS attempt
      ON CONFLICT (webhook_id, event_id) DO UPDATE SET status = excluded.status, is_replay = excluded.is_replay,
        seq = excluded.seq, attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at,
        last_attempt_at = excluded.last_attempt_at, answer_status = excluded.answer_status,
        answer_body = excluded.answer_body, fault = excluded.fault, duration_ms = excluded.duration_ms)
    SELECT true AS held FROM held`.execute(db);
  return rows.length > 0;
}

function toJson(attempts: readonly Attempt[]): string {
  return JSON.stringify(
    attempts.map(({ answer, ...attempt }) => ({
      event_id: attempt.eventId,
      seq: attempt.seq,
      status: attempt.status,
      is_replay: attempt.isReplay,
      attempts: attempt.attempts,
      next_attempt_at: attempt.retryAt,
      last_attempt_at: attempt.at,
      answer_status: answer.status,
      answer_body: answer.body,
      fault: answer.fault,
      duration_ms: answer.durationMs,
    })),
  );
}

/** An event that is to be sent again: after a failure, or on demand. */
export type PendingDelivery = { eventId: string; seq: number | null; attempts: number; isDue: boolean };

export type PendingDeliveries = {
  /** The new event that failed, and blocks the later ones. */
  blocking: PendingDelivery | undefined;
  /** Replays that are due, in order. None while the first of them waits for its retry. */
  replays: PendingDelivery[];
};

const replaysMax = 100;

export async function findPendingDeliveries(db: Db, webhookId: string): Promise<PendingDeliveries> {
  const first = (isReplay: boolean, limit: number) => sql`
    (SELECT event_id AS "eventId", seq, attempts, next_attempt_at <= clock_timestamp() AS "isDue", is_replay AS "isReplay"
    FROM webhook_deliveries WHERE webhook_id = ${webhookId} AND is_replay = ${sql.lit(isReplay)} AND status = 'pending'
    ORDER BY seq LIMIT ${sql.lit(limit)})`;
  const { rows } = await sql<PendingDelivery & { isReplay: boolean }>`
    ${first(false, 1)} UNION ALL ${first(true, replaysMax)}`.execute(db);
  const replays = rows
    .filter(({ isReplay }) => isReplay)
    .sort((one, other) => (one.seq ?? 0) - (other.seq ?? 0));
  const notDue = replays.findIndex(({ isDue }) => !isDue);
  return {
    blocking: rows.find(({ isReplay }) => !isReplay),
    replays: notDue === -1 ? replays : replays.slice(0, notDue),
  };
}

/**
 * Ids of enabled endpoints with something to do now that nobody does: sealed events after their
 * position, unless one that failed is in the way; a retry or a replay that is due; or an
 * organization that was deleted.
 */
export async function listDueWebhooks(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM webhooks
    WHERE enabled AND (served_until IS NULL OR served_until < clock_timestamp()) AND (
      (position < (SELECT max(seq) FROM audit_seals) AND NOT EXISTS (
        SELECT FROM webhook_deliveries WHERE webhook_id = webhooks.id AND status = 'pending' AND NOT is_replay))
      OR EXISTS (SELECT FROM (
        (SELECT next_attempt_at FROM webhook_deliveries WHERE webhook_id = webhooks.id AND status = 'pending'
          AND NOT is_replay ORDER BY seq LIMIT 1)
        UNION ALL
        (SELECT next_attempt_at FROM webhook_deliveries WHERE webhook_id = webhooks.id AND status = 'pending'
          AND is_replay ORDER BY seq LIMIT 1)) AS heads WHERE next_attempt_at <= clock_timestamp())
      OR EXISTS (SELECT FROM organizations WHERE id = webhooks.organization_id AND status = 'deleted'))
    ORDER BY position`.execute(db);
  return rows.map(({ id }) => id);
}

function leaseEnd(leaseMs: number) {
  return sql`clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})`;
}
