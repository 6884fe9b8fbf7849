import { sql } from 'kysely';
import type { AuditEvent } from '../../../domain/audit-event.ts';
import type { VisibleScope } from '../../../domain/principal.ts';
import type { RevocationReason } from '../../../domain/revocation-reason.ts';
import type { Key, StoredKeyStatus } from '../../../domain/user-key.ts';
import { auditEventRow } from '../audit/events.ts';
import { isHeld } from '../authority.ts';
import type { Db } from '../database.ts';
import type { FeedPlace } from '../finish-change.ts';

/**
 * A key as it was before the revoke. `revision`: the new one; null when it was revoked already.
 */
export type RevokedKey = Pick<
  Key,
  'id' | 'organizationId' | 'environment' | 'status' | 'expiresAt' | 'supersededUntil' | 'quarantinedUntil'
> & { revision: number | null };

/** The wanted key first, then its predecessors in grace. */
export type RevokedLine = FeedPlace & { keys: readonly [RevokedKey, ...RevokedKey[]] };

/**
 * Revokes a key with its predecessors in grace, audit events and feed entries included, in one
 * statement (migration 0056). `holder`: master key that must be active until the commit; undefined
 * when the caller's rights are held already. `origin`: the caller's event, about no key yet.
 * `unheld`: the master key has ended. `unseen`: no such key is visible.
 */
export async function revokeKeyLine(
  db: Db,
  wanted: { keyId: string; reach: VisibleScope; reason: RevocationReason },
  { holder, origin }: { holder: string | undefined; origin: AuditEvent },
): Promise<RevokedLine | 'unheld' | 'unseen'> {
  const { keyId, reach, reason } = wanted;
  const event = JSON.stringify(auditEventRow(origin));
  const { rows } = await sql<Row>`
    SELECT authority.held, keys, previous_seq AS "previousSeq", last_seq AS "lastSeq"
    FROM (SELECT ${isHeld(holder)} AS held) AS authority, LATERAL revoke_key(
      authority.held, ${keyId}, ${reach.organizationIds}::text[], ${reach.environments}::text[],
      json_populate_record(NULL::audit_events, ${event}::json), ${reason}::text)`.execute(db);
  const [row] = rows;
  if (row?.held !== true) return 'unheld';
  const { keys, previousSeq, lastSeq } = row;
  const [first, ...others] = (keys ?? []).map(toRevokedKey);
  return first === undefined ? 'unseen' : { previousSeq, lastSeq, keys: [first, ...others] };
}

type Row = FeedPlace & { held: boolean; keys: JsonKey[] | null };
type Dates = 'expiresAt' | 'supersededUntil' | 'quarantinedUntil';
type JsonKey = Omit<RevokedKey, Dates | 'status'> & Record<Dates, string | null> & { status: string };

function toRevokedKey(key: JsonKey): RevokedKey {
  return {
    ...key,
    status: key.quarantinedUntil === null ? (key.status as StoredKeyStatus) : 'quarantined',
    expiresAt: key.expiresAt === null ? null : new Date(key.expiresAt),
    supersededUntil: key.supersededUntil === null ? null : new Date(key.supersededUntil),
    quarantinedUntil: key.quarantinedUntil === null ? null : new Date(key.quarantinedUntil),
  };
}
