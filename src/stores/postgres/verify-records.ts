import { type Selectable, sql } from 'kysely';
import type { FeedPlace } from '../../domain/database-history.ts';
import type { KeyRecord } from '../../domain/key-record.ts';
import { fromSentKeyRecord, type SentKeyRecord, sentKeyRecordNames } from '../../domain/key-record-codec.ts';
import { minterTag } from '../../domain/key-stop.ts';
import { readConfirmed } from './confirmed-read.ts';
import type { Database, Db } from './database.ts';
import { type FeedGuard, feedPlaceColumns, readCurrent } from './database-history.ts';
import { type Digests, digestBytes, rowsInOrder } from './digest-rows.ts';
import { inBatches, type LookUpLimits, type Observable } from './look-ups.ts';
import type { ApiKeys } from './schema.ts';
import { presentQuarantine, presentStatus } from './user-keys/key-stops.ts';

export type FoundKeyRecord = {
  record: KeyRecord;
  pepperId: string;
  organizationActive: boolean;
  /** Server time of the read: the age of a cache entry starts here. */
  readAtMs: number;
};

/** Finds a key by its digests. Undefined when there is none. */
export type FindKeyRecord = (digests: Digests) => Promise<FoundKeyRecord | undefined>;

/** Batched lookups by digest (look-ups.ts), each judged by the guard. */
export function keyRecordLookUps(
  db: Database,
  limits: LookUpLimits,
  guard: FeedGuard,
): Observable<FindKeyRecord> {
  return inBatches(limits, (wanted: readonly Digests[]) => findKeyRecords(db, wanted, guard));
}

/** The same for a process without a lease (confirmed-read.ts). */
export function confirmedKeyRecordLookUps(
  db: Database,
  limits: LookUpLimits,
  guard: FeedGuard,
): FindKeyRecord {
  return inBatches(limits, (wanted: readonly Digests[]) =>
    readConfirmed(db, (tx) => findKeyRecords(tx, wanted, guard)),
  );
}

type Row = FeedPlace &
  Omit<
    SentKeyRecord,
    | 'expires_at_ms'
    | 'superseded_until_ms'
    | 'quarantined_until_ms'
    | 'superseded_at_ms'
    | 'created_at_ms'
    | 'minter'
    | 'mint_number'
  > &
  Pick<
    Selectable<ApiKeys>,
    | 'digest'
    | 'pepper_id'
    | 'expires_at'
    | 'superseded_until'
    | 'quarantined_until'
    | 'created_at'
    | 'minted_by'
    | 'mint_number'
  > & {
    superseded_at: Date | null;
    organization_active: boolean;
    read_at_ms: number;
  };

/** Of its successor, or with a rule of their own. */
const otherNames: readonly string[] = [
  'superseded_by',
  'superseded_at_ms',
  'quarantined_until_ms',
  'minter',
  'status',
];

/** Times are columns of another type: without `_ms`, and a `Date` in a row. */
const recordColumnNames = sentKeyRecordNames
  .filter((name) => !otherNames.includes(name))
  .map((name) => name.replace(/_ms$/, ''));

const recordColumns = sql.raw(recordColumnNames.map((name) => `k.${name}`).join(', '));

/** The key that the superseded key `k` was refreshed into; no row for any other key. */
const successor = sql`(
  SELECT id, created_at, activated_at FROM api_keys
  WHERE k.status = 'superseded' AND lineage_id = k.lineage_id AND id <> lineage_id AND id > k.id
  ORDER BY id LIMIT 1)`;

const selectRecords = sql`
  SELECT k.digest, k.pepper_id, ${recordColumns}, k.minted_by, ${presentStatus('k')} AS status, ${presentQuarantine('k')} AS quarantined_until,
    successor.id AS superseded_by, coalesce(successor.activated_at, successor.created_at) AS superseded_at,
    o.status = 'active' AS organization_active,
    (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS read_at_ms, place.*
  FROM api_keys k JOIN organizations o ON o.id = k.organization_id LEFT JOIN LATERAL ${successor} AS successor ON true
    CROSS JOIN (SELECT ${feedPlaceColumns}) AS place`;

/** Columns of a waiting key's own; all others are those of the key before it. */
const ownOfWaiting: Readonly<Record<string, string>> = {
  id: 'w.id',
  revision: '0::bigint',
  expires_at: 'w.expires_at',
  superseded_until: 'NULL::timestamptz',
  mint_number: 'w.mint_number',
  created_at: 'w.created_at',
};

const waitingColumns = sql.raw(
  recordColumnNames.map((name) => `${ownOfWaiting[name] ?? `k.${name}`} AS ${name}`).join(', '),
);

/** The same columns, in the same order, of keys that wait for their first use (migration 0057). */
const selectWaiting = sql`
  SELECT w.digest, w.pepper_id, ${waitingColumns}, w.minted_by, 'active' AS status, NULL::timestamptz AS quarantined_until,
    NULL::text AS superseded_by, NULL::timestamptz AS superseded_at,
    o.status = 'active' AS organization_active,
    (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS read_at_ms, place.*
  FROM waiting_keys w JOIN api_keys k ON k.id = w.previous_key_id JOIN organizations o ON o.id = k.organization_id
    CROSS JOIN (SELECT ${feedPlaceColumns}) AS place`;

/**
 * One indexed statement for several keys, in their order. Includes the organization's status, for
 * callers without a cache of it.
 */
async function findKeyRecords(
  db: Db,
  wanted: readonly Digests[],
  guard: FeedGuard,
): Promise<(FoundKeyRecord | undefined)[]> {
  const rows = await readCurrent(guard, async () => {
    const digests = digestBytes(wanted);
    const found = await sql<Row>`
      ${selectRecords} WHERE k.digest = ANY(${digests}::bytea[])
      UNION ALL
      ${selectWaiting} WHERE w.digest = ANY(${digests}::bytea[]) AND may_activate(w, k)`.execute(db);
    return found.rows;
  });
  return rowsInOrder(wanted, rows).map((row) => row && toFoundKeyRecord(row));
}

/** The record of a user's key by its public handle, for a question about it. */
export async function findKeyRecordById(db: Db, keyId: string): Promise<FoundKeyRecord | undefined> {
  return (await findDigestedKeyRecord(db, keyId))?.found ?? findWaitingRecord(db, keyId);
}

async function findWaitingRecord(db: Db, keyId: string): Promise<FoundKeyRecord | undefined> {
  const { rows } = await sql<Row>`
    ${selectWaiting} WHERE w.id = ${keyId} AND may_activate(w, k)`.execute(db);
  return rows[0] && toFoundKeyRecord(rows[0]);
}

/** The same with the digest of its secret, under which caches outside of this process have it. */
export async function findDigestedKeyRecord(
  db: Db,
  keyId: string,
): Promise<{ found: FoundKeyRecord; digest: Buffer; place: FeedPlace } | undefined> {
  const { rows } = await sql<Row>`
    ${selectRecords} WHERE k.id = ${keyId} AND k.kind = 'user'`.execute(db);
  const [row] = rows;
  return row && { found: toFoundKeyRecord(row), digest: row.digest, place: row };
}

function toFoundKeyRecord(row: Row): FoundKeyRecord {
  return {
    record: fromSentKeyRecord({
      ...row,
      expires_at_ms: row.expires_at?.getTime() ?? null,
      superseded_until_ms: row.superseded_until?.getTime() ?? null,
      quarantined_until_ms: row.quarantined_until?.getTime() ?? null,
      superseded_at_ms: row.superseded_at?.getTime() ?? null,
      minter: row.minted_by === null ? null : minterTag(row.minted_by),
      mint_number: row.mint_number ?? 0,
      created_at_ms: row.created_at.getTime(),
    }),
    pepperId: row.pepper_id,
    organizationActive: row.organization_active,
    readAtMs: row.read_at_ms,
  };
}
