import { sql } from 'kysely';
import type { KeyRecord } from '../../domain/key-record.ts';
import type { KeyStatus, Metadata, Quota, RateLimit } from '../../domain/user-key.ts';
import type { Database, Db } from './database.ts';
import { type Digests, digestBytes, rowsInOrder } from './digest-rows.ts';
import { inBatches, type LookUpLimits } from './look-ups.ts';

export type FoundKeyRecord = {
  record: KeyRecord;
  pepperId: string;
  organizationActive: boolean;
  /** The server's clock at the read: from here the age of a cache entry counts. */
  readAtMs: number;
};

/** A key by its digests. Undefined when no key has one of them. */
export type FindKeyRecord = (digests: Digests) => Promise<FoundKeyRecord | undefined>;

/** Look-ups by digest; those that arrive while others run go together (look-ups.ts). */
export function keyRecordLookUps(db: Database, limits: LookUpLimits): FindKeyRecord {
  return inBatches(limits, (wanted: readonly Digests[]) => findKeyRecords(db, wanted));
}

type Row = {
  digest: Buffer;
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
};

/**
 * One indexed statement for several keys, in their order. The organization's status comes along for
 * callers that may not remember it.
 */
async function findKeyRecords(db: Db, wanted: readonly Digests[]): Promise<(FoundKeyRecord | undefined)[]> {
  const { rows } = await sql<Row>`
    SELECT k.digest, k.id, k.revision, k.lineage_id, k.user_id, k.organization_id, k.environment, k.status, k.enabled, k.expires_at,
      k.superseded_until, k.scopes, k.metadata, k.rate_limit, k.quota, k.ip_allowlist, k.pepper_id,
      o.status = 'active' AS organization_active,
      (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS read_at_ms
    FROM api_keys k JOIN organizations o ON o.id = k.organization_id
    WHERE k.digest = ANY(${digestBytes(wanted)}::bytea[])`.execute(db);
  return rowsInOrder(wanted, rows).map((row) => row && toFoundKeyRecord(row));
}

function toFoundKeyRecord(row: Row): FoundKeyRecord {
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
