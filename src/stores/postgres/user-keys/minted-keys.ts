import { sql } from 'kysely';
import { Batches } from '../../../concurrency/batches.ts';
import type { AuditEvent } from '../../../domain/audit-event.ts';
import { idempotencyLifeMs } from '../../../domain/idempotency.ts';
import type { KeyDigest } from '../../../domain/key-digest.ts';
import type { MintPeriod } from '../../../domain/mint-bounds.ts';
import type { Key } from '../../../domain/user-key.ts';
import { auditEventColumns, auditEventRow } from '../audit/events.ts';
import type { Database, Db } from '../database.ts';
import { isFaultOfTheStatement } from '../faults.ts';
import type { SealedAnswer } from '../idempotency-keys.ts';
import type { Observable } from '../look-ups.ts';
import { newKeyColumns, newKeyRow } from './user-keys.ts';

/**
 * Stored parts of a mint: the key, the digest of its secret, its audit event, the version of the
 * organization's policy that the key follows, and the answer of an idempotent request.
 */
export type Mint = {
  key: Key;
  digest: KeyDigest;
  event: AuditEvent;
  policyVersion: string | null;
  kept: SealedAnswer | undefined;
  /**
   * Of a canary key: the digest of its secret. `digest` is then random, so nothing finds the key.
   */
  canary?: KeyDigest | undefined;
};

/** A key that was inserted, with its number in the order of mints. */
export type Minted = { mintNumber: number };

/** Bound of the master key that is used up (migration 0040). */
export type BoundReached =
  | { reached: 'mint_quota'; limit: number; period: MintPeriod; resetSeconds: number }
  | { reached: 'living_keys_max'; limit: number };

/**
 * `obstructed`: the organization is not active or has another policy, the environment is unknown,
 * or the user has an active key there. `unauthorized`: the master key ended during the request.
 * `crowded`: others of the statement were counted before it and not minted, so that there is room:
 * try again.
 */
export type MintOutcome = Minted | BoundReached | 'obstructed' | 'unauthorized' | 'crowded';

export function isMinted(outcome: MintOutcome): outcome is Minted {
  return typeof outcome === 'object' && 'mintNumber' in outcome;
}

export function isBoundReached(outcome: MintOutcome): outcome is BoundReached {
  return typeof outcome === 'object' && 'reached' in outcome;
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

const answerLife = `${idempotencyLifeMs} ms`;

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
 * for the same place obstruct each other. Another policy than the one that the key follows
 * obstructs too: a mint keeps the policy that holds when this statement begins. A mint locks its
 * master key until the commit (migration 0022), so that no mint commits after the key's revoke. Of
 * a master key with bounds it locks the counter too (migration 0040): mints of that one key wait
 * for each other, and the bounds are exact. Rows are sorted by place, and counters by id, so that
 * two statements cannot deadlock. The environments are locked too, so that none is deleted under a
 * new key. A second answer to the same idempotent request fails the statement.
 */
export async function insertMints(db: Db, mints: readonly Mint[]): Promise<MintOutcome[]> {
  const keys = mints.map(({ key, digest }) => ({
    ...newKeyRow(key, digest),
    digest: `\\x${digest.digest.toString('hex')}`,
  }));
  const events = mints.map(({ event }) => auditEventRow(event));
  const answers = mints.flatMap(({ kept }) => kept ?? []);
  const keyIds = mints.flatMap(({ key, kept }) => (kept === undefined ? [] : key.id));
  const canaries = mints.filter(({ canary }) => canary !== undefined);
  const minters = [...new Set(mints.flatMap(({ event }) => masterKeyOf(event) ?? []))].sort();
  const { rows } = await sql<Row>`
    WITH held AS MATERIALIZED (
      SELECT id FROM unnest(${minters}::text[]) AS id WHERE hold_master_key(id)
    ), bounds AS MATERIALIZED (
      SELECT * FROM hold_mint_bounds(ARRAY(SELECT id FROM held ORDER BY id))
    ), wanted AS (
      SELECT ${keyColumns}, policy_version, ordinality, by, row_number() OVER (PARTITION BY by ORDER BY ordinality) AS place
      FROM json_populate_recordset(NULL::api_keys, ${JSON.stringify(keys)}::json) WITH ORDINALITY AS given
      JOIN unnest(${mints.map(({ event }) => masterKeyOf(event))}::text[],
          ${mints.map(({ policyVersion }) => policyVersion ?? '')}::text[]) WITH ORDINALITY AS minter (by, policy_version, ordinality)
        USING (ordinality)
      WHERE by IS NULL OR by IN (SELECT id FROM held)
    ), admitted AS MATERIALIZED (
      SELECT wanted.* FROM wanted LEFT JOIN bounds ON bounded_id = by
      WHERE bounded_id IS NULL OR place <= least(mints_left, bounds.living_max - living)
    ), places AS (
      SELECT held.organization_id, held.slug, place.policy_version
      FROM (SELECT DISTINCT organization_id, environment, policy_version FROM admitted) AS place CROSS JOIN LATERAL (
        SELECT organization_id, slug FROM environments
        WHERE organization_id = place.organization_id AND slug = place.environment
          AND EXISTS (SELECT FROM organizations WHERE id = place.organization_id AND status = 'active'
            AND coalesce(organizations.policy_version, '') = place.policy_version)
        FOR KEY SHARE) AS held
    ), minted AS (
      INSERT INTO api_keys (${keyColumns})
      SELECT ${keyColumns} FROM admitted
      WHERE (organization_id, environment, policy_version) IN (SELECT organization_id, slug, policy_version FROM places)
      ORDER BY user_id, organization_id, environment, ordinality
      ON CONFLICT (user_id, organization_id, environment) WHERE status = 'active' AND kind = 'user' DO NOTHING
      RETURNING id, mint_number
    ), audited AS (
      INSERT INTO audit_events (${auditEventColumns})
      SELECT ${auditEventColumns} FROM json_populate_recordset(NULL::audit_events, ${JSON.stringify(events)}::json)
      WHERE target_id IN (SELECT id FROM minted)
      RETURNING *
    ), kept AS (
      INSERT INTO idempotency_keys AS earlier (id, body_hash, sealed_answer, created_at)
      SELECT answer.id, body_hash, sealed_answer, created_at
      FROM unnest(${keyIds}::text[], ${answers.map(({ id }) => id)}::bytea[], ${answers.map(({ bodyHash }) => bodyHash)}::bytea[],
          ${answers.map(({ sealedAnswer }) => sealedAnswer)}::bytea[], ${answers.map(({ createdAt }) => createdAt)}::timestamptz[])
        AS answer (key_id, id, body_hash, sealed_answer, created_at)
      JOIN minted ON minted.id = key_id
      -- A null violates the column: an answer that still counts must not be replaced.
      ON CONFLICT (id) DO UPDATE SET body_hash = excluded.body_hash, sealed_answer = excluded.sealed_answer,
        created_at = CASE WHEN earlier.created_at <= excluded.created_at - ${sql.lit(answerLife)}::interval THEN excluded.created_at END
    ), counted AS (
      INSERT INTO master_key_mints AS earlier (master_key_id, slot, minted)
      SELECT actor_id, pg_backend_pid() % ${sql.lit(slots)}, count(*) FROM audited WHERE actor_kind = 'master_key'
      GROUP BY actor_id ORDER BY actor_id
      ON CONFLICT (master_key_id, slot) DO UPDATE SET minted = earlier.minted + excluded.minted
    )${canaries.length === 0 ? sql`` : insertCanaries(canaries)}, spent AS MATERIALIZED (
      SELECT bounded_id AS id, mints, spend_mint_bounds(bounded_id, mints, living + mints, origin)
      FROM bounds JOIN (
        SELECT actor_id, count(*) AS mints, (array_agg(audited::audit_events))[1] AS origin
        FROM audited WHERE actor_kind = 'master_key' GROUP BY actor_id
      ) AS new ON actor_id = bounded_id
    )
    SELECT (SELECT json_agg(json_build_array(id, mint_number)) FROM minted) AS minted,
      (SELECT array_agg(id) FROM held) AS held, (SELECT array_agg(id) FROM admitted) AS admitted,
      (SELECT json_agg(json_build_object('id', bounded_id, 'limit', mint_limit, 'period', mint_period,
          'resetSeconds', resets_in, 'mintsLeft', mints_left - coalesce(mints, 0),
          'livingMax', living_max, 'livingLeft', living_max - living - coalesce(mints, 0)))
        FROM bounds LEFT JOIN spent ON id = bounded_id) AS bounds`.execute(db);
  return outcomesOf(mints, rows[0]);
}

/** Left out of the statement where there are none, which is nearly always. */
function insertCanaries(mints: readonly Mint[]) {
  const digests = mints.flatMap(({ canary }) => canary ?? []);
  return sql`, canaries AS (
      INSERT INTO canary_keys (key_id, pepper_id, digest)
      SELECT key_id, pepper_id, digest
      FROM unnest(${mints.map(({ key }) => key.id)}::text[], ${digests.map(({ pepperId }) => pepperId)}::text[],
        ${digests.map(({ digest }) => digest)}::bytea[]) AS canary (key_id, pepper_id, digest)
      JOIN minted ON minted.id = key_id
    )`;
}

type Row = {
  minted: [string, number][] | null;
  held: string[] | null;
  admitted: string[] | null;
  bounds: Bounds[] | null;
};

/** Of a bounded master key: what is left after the statement; null without that bound. */
type Bounds = {
  id: string;
  limit: number | null;
  period: MintPeriod | null;
  resetSeconds: number | null;
  mintsLeft: number | null;
  livingMax: number | null;
  livingLeft: number | null;
};

function outcomesOf(mints: readonly Mint[], row: Row | undefined): MintOutcome[] {
  const minted = new Map(row?.minted);
  const [held, admitted] = [new Set(row?.held), new Set(row?.admitted)];
  const bounds = new Map(row?.bounds?.map((each) => [each.id, each]));
  return mints.map(({ key, event }) => {
    const by = masterKeyOf(event);
    if (by !== null && !held.has(by)) return 'unauthorized';
    const mintNumber = minted.get(key.id);
    if (mintNumber !== undefined) return { mintNumber };
    return admitted.has(key.id) ? 'obstructed' : reachedOf(bounds.get(by ?? ''));
  });
}

function reachedOf(bounds: Bounds | undefined): BoundReached | 'crowded' {
  if (bounds === undefined) return 'crowded';
  const { limit, period, mintsLeft, livingMax, livingLeft } = bounds;
  if (limit !== null && period !== null && mintsLeft !== null && mintsLeft <= 0)
    return { reached: 'mint_quota', limit, period, resetSeconds: bounds.resetSeconds ?? 1 };
  if (livingMax !== null && livingLeft !== null && livingLeft <= 0)
    return { reached: 'living_keys_max', limit: livingMax };
  return 'crowded';
}

/** Null for other actors, whose rights are not locked here. */
function masterKeyOf({ actor }: AuditEvent): string | null {
  return actor.kind === 'master_key' ? actor.id : null;
}

// Named, and not all columns of the table: one that a later migration adds has to get its default
// from this version too.
const keyColumns = sql.join([...newKeyColumns, 'pepper_id', 'digest'].map((column) => sql.ref(column)));
