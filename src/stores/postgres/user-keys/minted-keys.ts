import { sql } from 'kysely';
import { Batches } from '../../../concurrency/batches.ts';
import type { AuditEvent } from '../../../domain/audit-event.ts';
import type { KeyDigest } from '../../../domain/key-digest.ts';
import type { Key } from '../../../domain/user-key.ts';
import { auditEventColumns, auditEventRow } from '../audit/events.ts';
import type { Database, Db } from '../database.ts';
import { isFaultOfTheStatement } from '../faults.ts';
import type { Observable } from '../look-ups.ts';
import { newKeyColumns, newKeyRow } from './user-keys.ts';

/** Stored parts of a mint: the key, the digest of its secret, and its audit event. */
export type Mint = { key: Key; digest: KeyDigest; event: AuditEvent };

/** A key that was inserted, with its number in the order of mints. */
export type Minted = { mintNumber: number };

/**
 * `obstructed`: the organization is not active, the environment is unknown, or the user has an
 * active key there. `unauthorized`: the master key ended during the request.
 */
export type MintOutcome = Minted | 'obstructed' | 'unauthorized';

export function isMinted(outcome: MintOutcome): outcome is Minted {
  return typeof outcome === 'object';
}

export type InsertMint = (mint: Mint) => Promise<MintOutcome>;

const batchLimits = {
  sizeMax: 64,
  /**
   * While Postgres handles one batch, the next is read from the sockets. A third would only make
   * them smaller.
   */
  runningMax: 2,
  /** About the number of mints that two connections insert within the time-out. */
  waitingMax: 5_000,
};

/**
 * Counter slots per master key: more than minting connections, and few enough to sum (migration
 * 0015).
 */
const slots = 32;

/**
 * Group commit for mints, the one change that comes in floods. Mints that arrive during a statement
 * share the next one: round trip, statement and commit cost several times the row itself.
 */
export function mintsInBatches(db: Database): Observable<InsertMint> {
  const batches = new Batches<Mint, MintOutcome>({
    run: (mints) => insertMints(db, mints),
    isOneItemsFault: isFaultOfTheStatement,
    ...batchLimits,
  });
  return Object.assign((mint: Mint) => batches.add(mint), { occupancy: () => batches.occupancy() });
}

/**
 * Inserts minted keys with their audit events in one statement. Each mint has its own outcome; two
 * for the same place obstruct each other. A mint locks its master key until the commit (migration
 * 0022), so that no mint commits after the key's revoke. Rows are sorted by place, so that two
 * statements cannot deadlock. The environments are locked too, so that none is deleted under a new
 * key.
 */
export async function insertMints(db: Db, mints: readonly Mint[]): Promise<MintOutcome[]> {
  const keys = mints.map(({ key, digest }) => ({
    ...newKeyRow(key, digest),
    digest: `\\x${digest.digest.toString('hex')}`,
  }));
  const events = mints.map(({ event }) => auditEventRow(event));
  const minters = [...new Set(mints.flatMap(({ event }) => masterKeyOf(event) ?? []))];
  const { rows } = await sql<{ minted: [string, number][] | null; held: string[] | null }>`
    WITH held AS MATERIALIZED (
      SELECT id FROM unnest(${minters}::text[]) AS id WHERE hold_master_key(id)
    ), wanted AS (
      SELECT ${keyColumns}, ordinality
      FROM json_populate_recordset(NULL::api_keys, ${JSON.stringify(keys)}::json) WITH ORDINALITY AS given
      JOIN unnest(${mints.map(({ event }) => masterKeyOf(event))}::text[]) WITH ORDINALITY AS minter (by, ordinality)
        USING (ordinality)
      WHERE by IS NULL OR by IN (SELECT id FROM held)
    ), places AS (
      SELECT held.organization_id, held.slug
      FROM (SELECT DISTINCT organization_id, environment FROM wanted) AS place CROSS JOIN LATERAL (
        SELECT organization_id, slug FROM environments
        WHERE organization_id = place.organization_id AND slug = place.environment
          AND EXISTS (SELECT FROM organizations WHERE id = place.organization_id AND status = 'active')
        FOR KEY SHARE) AS held
    ), minted AS (
      INSERT INTO api_keys (${keyColumns})
      SELECT ${keyColumns} FROM wanted
      WHERE (organization_id, environment) IN (SELECT organization_id, slug FROM places)
      ORDER BY user_id, organization_id, environment, ordinality
      ON CONFLICT (user_id, organization_id, environment) WHERE status = 'active' AND kind = 'user' DO NOTHING
      RETURNING id, mint_number
    ), audited AS (
      INSERT INTO audit_events (${auditEventColumns})
      SELECT ${auditEventColumns} FROM json_populate_recordset(NULL::audit_events, ${JSON.stringify(events)}::json)
      WHERE target_id IN (SELECT id FROM minted)
      RETURNING actor_kind, actor_id
    ), counted AS (
      INSERT INTO master_key_mints AS earlier (master_key_id, slot, minted)
      SELECT actor_id, pg_backend_pid() % ${sql.lit(slots)}, count(*) FROM audited WHERE actor_kind = 'master_key'
      GROUP BY actor_id ORDER BY actor_id
      ON CONFLICT (master_key_id, slot) DO UPDATE SET minted = earlier.minted + excluded.minted
    )
    SELECT (SELECT json_agg(json_build_array(id, mint_number)) FROM minted) AS minted, (SELECT array_agg(id) FROM held) AS held`.execute(
    db,
  );
  const [minted, held] = [new Map(rows[0]?.minted), new Set(rows[0]?.held)];
  return mints.map(({ key, event }) => {
    const by = masterKeyOf(event);
    if (by !== null && !held.has(by)) return 'unauthorized';
    const mintNumber = minted.get(key.id);
    return mintNumber === undefined ? 'obstructed' : { mintNumber };
  });
}

/** Null for other actors, whose rights are not locked here. */
function masterKeyOf({ actor }: AuditEvent): string | null {
  return actor.kind === 'master_key' ? actor.id : null;
}

// Named, and not all columns of the table: one that a later migration adds has to get its default
// from this version too.
const keyColumns = sql.join([...newKeyColumns, 'pepper_id', 'digest'].map((column) => sql.ref(column)));
