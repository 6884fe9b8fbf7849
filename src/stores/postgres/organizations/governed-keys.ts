import { sql } from 'kysely';
import type { Governed } from '../../../domain/organization-policy.ts';
import type { Key, Quota, RateLimit, StoredKeyStatus } from '../../../domain/user-key.ts';
import type { Db } from '../database.ts';

const columns = [
  'id',
  'key_prefix',
  'user_id',
  'environment',
  'scopes',
  'rate_limit',
  'quota',
  'status',
  'expires_at',
  'superseded_until',
  'quarantined_until',
  'created_at',
] as const;

/** The parts of a user key that a report on a policy reads. */
export type GovernedKey = Governed &
  Pick<Key, 'id' | 'keyPrefix' | 'userId' | 'status' | 'supersededUntil' | 'quarantinedUntil' | 'createdAt'>;

/**
 * User keys of an organization, ended ones too, newest first, starting after the key `before`. A
 * range of the pair, so that each page begins in the index where the one before ended (migration
 * 0034).
 */
export async function listGovernedKeys(
  db: Db,
  organizationId: string,
  limit: number,
  before?: string,
): Promise<GovernedKey[]> {
  const isAfter =
    before === undefined
      ? sql<boolean>`organization_id <= ${organizationId}`
      : sql<boolean>`(organization_id, id) < (${organizationId}, ${before})`;
  const query = db
    .selectFrom('api_keys')
    .select(columns)
    .where('kind', '=', 'user')
    .where('organization_id', '>=', organizationId)
    .where(isAfter);
  const rows = await query.orderBy('organization_id', 'desc').orderBy('id', 'desc').limit(limit).execute();
  return rows.map((row) => ({
    id: row.id,
    keyPrefix: row.key_prefix,
    userId: row.user_id,
    environment: row.environment,
    scopes: row.scopes,
    rateLimit: row.rate_limit as RateLimit | null,
    quota: row.quota as Quota | null,
    status: row.quarantined_until === null ? (row.status as StoredKeyStatus) : 'quarantined',
    expiresAt: row.expires_at,
    supersededUntil: row.superseded_until,
    quarantinedUntil: row.quarantined_until,
    createdAt: row.created_at,
  }));
}
