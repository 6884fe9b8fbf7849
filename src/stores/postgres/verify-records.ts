import { sql } from 'kysely';
import type { KeyStatus, Metadata, Quota, RateLimit } from '../../domain/key.ts';
import type { KeyDigest } from '../../domain/key-digest.ts';
import type { KeyRecord } from '../../domain/key-record.ts';
import type { Db } from './database.ts';

export type FoundKeyRecord = {
  record: KeyRecord;
  pepperId: string;
  organizationActive: boolean;
  /** The server's clock at the read: from here the age of a cache entry counts. */
  readAtMs: number;
};

/** One indexed lookup for all live peppers at once; the organization's status comes along for callers that may not remember it. */
export async function findKeyRecord(
  db: Db,
  digests: readonly KeyDigest[],
): Promise<FoundKeyRecord | undefined> {
  const { rows } = await sql<{
    id: string;
    revision: number;
    lineage_id: string;
    user_id: string;
    organization_id: string;
    environment: string;
    status: KeyStatus;
    enabled: boolean;
    expires_at: Date | null;
    superseded_until: Date | null;
    scopes: string[];
    metadata: Metadata;
    rate_limit: RateLimit | null;
    quota: Quota | null;
    ip_allowlist: string[] | null;
    pepper_id: string;
    organization_active: boolean;
    read_at_ms: number;
  }>`
    SELECT k.id, k.revision, k.lineage_id, k.user_id, k.organization_id, k.environment, k.status, k.enabled, k.expires_at,
      k.superseded_until, k.scopes, k.metadata, k.rate_limit, k.quota, k.ip_allowlist, k.pepper_id,
      o.status = 'active' AS organization_active,
      (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS read_at_ms
    FROM api_keys k JOIN organizations o ON o.id = k.organization_id
    WHERE k.digest = ANY(${digests.map((digest) => digest.digest)}::bytea[])`.execute(db);
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    record: {
      id: row.id,
      revision: row.revision,
      lineageId: row.lineage_id,
      userId: row.user_id,
      organizationId: row.organization_id,
      environment: row.environment,
      status: row.status,
      enabled: row.enabled,
      expiresAtMs: row.expires_at?.getTime() ?? null,
      supersededUntilMs: row.superseded_until?.getTime() ?? null,
      scopes: row.scopes,
      metadata: row.metadata,
      rateLimit: row.rate_limit,
      quota: row.quota,
      ipAllowlist: row.ip_allowlist,
    },
    pepperId: row.pepper_id,
    organizationActive: row.organization_active,
    readAtMs: row.read_at_ms,
  };
}
