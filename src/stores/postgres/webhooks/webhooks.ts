import { sql } from 'kysely';
import type { Webhook } from '../../../domain/webhook.ts';
import type { WebhookDisabledReason } from '../../../domain/webhook-retries.ts';
import type { Db, Tx } from '../database.ts';

/** A signing secret, sealed under the pepper with this id. */
export type SealedSecret = { sealed: Buffer; pepperId: string };

const columns = [
  'id',
  'url',
  'types',
  'organization_id',
  'description',
  'enabled',
  'disabled_reason',
  'disabled_at',
  'failing_since',
  'last_delivered_at',
  'previous_until',
  'position',
  'created_at',
  'updated_at',
] as const;

export const webhookColumns = sql.join(columns.map((column) => sql.ref(column)));

/** Number of the advisory lock for creating endpoints, whose number is bounded. */
const creationLock = 5_201_051;

/** Locks against other creations until the commit, and counts the endpoints there are. */
export async function lockWebhookCount(tx: Tx): Promise<number> {
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(creationLock)})`.execute(tx);
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM webhooks`.execute(tx);
  return rows[0]?.count ?? 0;
}

/** Place of the newest sealed event; 0 before the first. */
export async function findLastSeal(db: Db): Promise<number> {
  const { rows } = await sql<{ seq: number | null }>`SELECT max(seq) AS seq FROM audit_seals`.execute(db);
  return rows[0]?.seq ?? 0;
}

export type NewWebhook = Pick<
  Webhook,
  'id' | 'url' | 'types' | 'organizationId' | 'description' | 'enabled' | 'position' | 'createdAt'
> & { secret: SealedSecret };

export async function insertWebhook(tx: Tx, webhook: NewWebhook): Promise<void> {
  await tx
    .insertInto('webhooks')
    .values({
      id: webhook.id,
      url: webhook.url,
      types: [...webhook.types],
      organization_id: webhook.organizationId,
      description: webhook.description,
      enabled: webhook.enabled,
      secret: webhook.secret.sealed,
      pepper_id: webhook.secret.pepperId,
      position: webhook.position,
      created_at: webhook.createdAt,
      updated_at: webhook.createdAt,
    })
    .execute();
}

export async function findWebhook(db: Db, id: string): Promise<Webhook | undefined> {
  const row = await db.selectFrom('webhooks').select(columns).where('id', '=', id).executeTakeFirst();
  return row && toWebhook(row);
}

/** Holds the row until the commit. */
export async function lockWebhook(tx: Tx, id: string): Promise<Webhook | undefined> {
  const query = tx.selectFrom('webhooks').select(columns).where('id', '=', id);
  const row = await query.forNoKeyUpdate().executeTakeFirst();
  return row && toWebhook(row);
}

/** Newest first, starting after `before`. */
export async function listWebhooks(
  db: Db,
  { limit, before }: { limit: number; before: string | undefined },
): Promise<Webhook[]> {
  let query = db.selectFrom('webhooks').select(columns);
  if (before !== undefined) query = query.where('id', '<', before);
  return (await query.orderBy('id', 'desc').limit(limit).execute()).map(toWebhook);
}

/**
 * Ends a turn that is under way with the old settings and secrets: it stores nothing any more. The
 * next one begins when its lease is over, so that no two send at once.
 */
async function endTurn(tx: Tx, id: string): Promise<void> {
  await tx.updateTable('webhooks').set({ served_by: null }).where('id', '=', id).execute();
}

export type WebhookSettings = Pick<Webhook, 'url' | 'types' | 'description' | 'enabled'>;

/**
 * Saves what an operator set. An endpoint that is enabled again or has another address begins
 * without its failures. One that is enabled again tries a failed event at once.
 */
export async function saveWebhook(
  tx: Tx,
  id: string,
  {
    settings,
    isEnabledAgain,
    isMoved,
    now,
  }: { settings: WebhookSettings; isEnabledAgain: boolean; isMoved: boolean; now: Date },
): Promise<void> {
  const { url, types, description, enabled } = settings;
  await tx
    .updateTable('webhooks')
    .set({
      url,
      types: [...types],
      description,
      enabled,
      updated_at: now,
      ...((isEnabledAgain || isMoved) && { failing_since: null }),
      ...(isEnabledAgain && { disabled_reason: null, disabled_at: null }),
    })
    .where('id', '=', id)
    .execute();
  await endTurn(tx, id);
  if (!isEnabledAgain) return;
  await tx
    .updateTable('webhook_deliveries')
    .set({ attempts: 0, next_attempt_at: now })
    .where('webhook_id', '=', id)
    .where('status', '=', 'pending')
    .execute();
}

/** Disables it without an operator. False when it is disabled or gone already. */
export async function disableWebhook(
  tx: Tx,
  id: string,
  { reason, now }: { reason: WebhookDisabledReason; now: Date },
): Promise<boolean> {
  const result = await tx
    .updateTable('webhooks')
    .set({ enabled: false, disabled_reason: reason, disabled_at: now, updated_at: now })
    .where('id', '=', id)
    .where('enabled', '=', true)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Its deliveries are deleted by a job: they may be millions. */
export async function deleteWebhook(tx: Tx, id: string): Promise<boolean> {
  const result = await tx.deleteFrom('webhooks').where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** The current secret becomes the previous one, which signs too until `previousUntil`. */
export async function rotateWebhookSecret(
  tx: Tx,
  id: string,
  { secret, previousUntil, now }: { secret: SealedSecret; previousUntil: Date | null; now: Date },
): Promise<void> {
  const isKept = previousUntil !== null;
  await sql`
    UPDATE webhooks SET
      previous_secret = CASE WHEN ${isKept} THEN secret END,
      previous_pepper_id = CASE WHEN ${isKept} THEN pepper_id END,
      previous_until = ${previousUntil}, secret = ${secret.sealed}, pepper_id = ${secret.pepperId}, updated_at = ${now}
    WHERE id = ${id}`.execute(tx);
  await endTurn(tx, id);
}

export type SealedSecrets = { current: SealedSecret; previous: SealedSecret | null };

/** The secrets that sign now. */
export async function findWebhookSecrets(db: Db, id: string): Promise<SealedSecrets | undefined> {
  const { rows } = await sql<SecretRow>`
    SELECT secret, pepper_id,
      CASE WHEN previous_until > clock_timestamp() THEN previous_secret END AS previous_secret, previous_pepper_id
    FROM webhooks WHERE id = ${id}`.execute(db);
  const [row] = rows;
  return row && toSecrets(row);
}

export type SecretRow = {
  secret: Buffer;
  pepper_id: string;
  previous_secret: Buffer | null;
  previous_pepper_id: string | null;
};

export function toSecrets(row: SecretRow): SealedSecrets {
  const { previous_secret: sealed, previous_pepper_id: pepperId } = row;
  return {
    current: { sealed: row.secret, pepperId: row.pepper_id },
    previous: sealed === null || pepperId === null ? null : { sealed, pepperId },
  };
}

/** Endpoints with a secret under another pepper than this one. */
export async function listWebhooksUnderOtherPeppers(db: Db, pepperId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM webhooks
    WHERE pepper_id <> ${pepperId} OR previous_pepper_id <> ${pepperId} ORDER BY id`.execute(db);
  return rows.map(({ id }) => id);
}

/** Locks both secrets of an endpoint, to seal them again. */
export async function lockWebhookSecrets(tx: Tx, id: string): Promise<SealedSecrets | undefined> {
  const { rows } = await sql<SecretRow>`
    SELECT secret, pepper_id, previous_secret, previous_pepper_id FROM webhooks
    WHERE id = ${id} FOR UPDATE`.execute(tx);
  const [row] = rows;
  return row && toSecrets(row);
}

/** The same secrets, sealed again. */
export async function saveWebhookSecrets(
  tx: Tx,
  id: string,
  { current, previous }: SealedSecrets,
): Promise<void> {
  await tx
    .updateTable('webhooks')
    .set({
      secret: current.sealed,
      pepper_id: current.pepperId,
      previous_secret: previous?.sealed ?? null,
      previous_pepper_id: previous?.pepperId ?? null,
    })
    .where('id', '=', id)
    .execute();
}

export type WebhookRow = {
  id: string;
  url: string;
  types: string[];
  organization_id: string | null;
  description: string | null;
  enabled: boolean;
  disabled_reason: string | null;
  disabled_at: Date | null;
  failing_since: Date | null;
  last_delivered_at: Date | null;
  previous_until: Date | null;
  position: number;
  created_at: Date;
  updated_at: Date;
};

export function toWebhook(row: WebhookRow): Webhook {
  return {
    id: row.id,
    url: row.url,
    types: row.types,
    organizationId: row.organization_id,
    description: row.description,
    enabled: row.enabled,
    disabledReason: row.disabled_reason as WebhookDisabledReason | null,
    disabledAt: row.disabled_at,
    failingSince: row.failing_since,
    lastDeliveredAt: row.last_delivered_at,
    previousSecretUntil: row.previous_until,
    position: row.position,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
