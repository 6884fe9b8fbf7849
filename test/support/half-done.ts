import { query } from './query.ts';

/** Traces of a partial change, each with its query. */
const traces: Record<string, string> = {
  'more than one active key': `
    SELECT min(id) AS id FROM api_keys WHERE status = 'active'
    GROUP BY user_id, organization_id, environment HAVING count(*) > 1`,
  'a key whose making was not audited': `
    SELECT id FROM api_keys WHERE NOT EXISTS (
      SELECT FROM audit_events WHERE target_id = api_keys.id
        AND event_type = CASE WHEN api_keys.id = lineage_id THEN 'key.minted' ELSE 'key.refreshed' END)`,
  'a key whose end was not audited': `
    SELECT id FROM api_keys WHERE status = 'revoked' AND NOT EXISTS (
      SELECT FROM audit_events WHERE (event_type = 'key.revoked' AND target_id = api_keys.id)
        OR (event_type = 'key.refreshed' AND details->>'previous_key_id' = api_keys.id))`,
  'a key whose end the verifiers were not told': `
    SELECT id FROM api_keys WHERE status = 'revoked' AND NOT EXISTS (
      SELECT FROM key_changes WHERE subject_id = api_keys.id AND key_changes.revision = api_keys.revision)`,
  'a line whose keys have all been replaced': `
    SELECT lineage_id AS id FROM api_keys GROUP BY lineage_id
    HAVING bool_and(status = 'revoked') AND NOT bool_or(EXISTS (
      SELECT FROM audit_events WHERE event_type = 'key.revoked' AND target_id = api_keys.id))`,
  'an event without its key': `
    SELECT target_id AS id FROM audit_events WHERE event_type LIKE 'key.%'
      AND NOT EXISTS (SELECT FROM api_keys WHERE id = target_id)`,
  'an event of a revoke that did not happen': `
    SELECT target_id AS id FROM audit_events WHERE event_type = 'key.revoked'
      AND NOT EXISTS (SELECT FROM api_keys WHERE id = target_id AND status = 'revoked')`,
};

/** Partial changes in the database; tests expect none. */
export async function findHalfDone(databaseUrl: string): Promise<string[]> {
  const found: string[] = [];
  for (const [trace, text] of Object.entries(traces)) {
    for (const { id } of await query(databaseUrl, text)) found.push(`${trace}: ${id}`);
  }
  return found;
}
