import { sql } from 'kysely';
import type { Db } from '../database.ts';

export type WebhookStates = {
  /** Enabled, and last answered with a success. */
  healthy: number;
  failing: number;
  disabled: number;
  /** Age of the oldest event that some enabled endpoint has not come to. */
  lagMsMax: number;
};

/** Endpoints by state, for metrics. */
export async function readWebhookStates(db: Db): Promise<WebhookStates> {
  const { rows } = await sql<WebhookStates>`
    SELECT count(*) FILTER (WHERE enabled AND failing_since IS NULL) AS healthy,
      count(*) FILTER (WHERE enabled AND failing_since IS NOT NULL) AS failing,
      count(*) FILTER (WHERE NOT enabled) AS disabled,
      coalesce(max(greatest(extract(epoch FROM clock_timestamp() - waiting.created_at) * 1000, 0)::float8)
        FILTER (WHERE enabled), 0) AS "lagMsMax"
    FROM webhooks LEFT JOIN LATERAL (
      SELECT created_at FROM audit_events WHERE id = (
        SELECT event_id FROM audit_seals WHERE seq > webhooks.position ORDER BY seq LIMIT 1)) AS waiting ON true`.execute(
    db,
  );
  return rows[0] ?? { healthy: 0, failing: 0, disabled: 0, lagMsMax: 0 };
}
