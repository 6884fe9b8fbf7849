import { sql } from 'kysely';
import type { ImportAlgorithm, Recipe } from '../../../domain/imported-hash.ts';
import type { KeyDigest } from '../../../domain/key-digest.ts';
import type { VisibleScope } from '../../../domain/principal.ts';
import { readConfirmed } from '../confirmed-read.ts';
import type { Database, Db, Tx } from '../database.ts';
import { inBatches, type LookUpLimits, type Observable } from '../look-ups.ts';

/** Of HMAC: sealed under this pepper. */
export type SealedSecret = { name: string; pepperId: string; sealed: Buffer };

/**
 * A recipe that some imported key still waits for. `secret`: null for a hash without, or when its
 * secret was deleted.
 */
export type UsedRecipe = Recipe & { secret: SealedSecret | null };

/** A hash that is found by the first characters of its key. */
export type SealedHash = {
  keyId: string;
  lookup: string;
  pepperId: string;
  importDigest: Buffer;
  sealed: Buffer;
};

/** What a presented key has to be compared with. */
export type ImportCandidates = { recipes: readonly UsedRecipe[]; hashes: readonly SealedHash[] };

/** By every text that may be the lookup of the presented key. */
export type FindImportCandidates = (lookups: readonly string[]) => Promise<ImportCandidates>;

/** Batched, as look-ups by digest are. */
export function importCandidateLookUps(db: Database, limits: LookUpLimits): Observable<FindImportCandidates> {
  return inBatches(limits, (wanted: readonly (readonly string[])[]) => findCandidates(db, wanted));
}

/** The same for a process without a lease (confirmed-read.ts). */
export function confirmedImportCandidateLookUps(db: Database, limits: LookUpLimits): FindImportCandidates {
  return inBatches(limits, (wanted: readonly (readonly string[])[]) =>
    readConfirmed(db, (tx) => findCandidates(tx, wanted)),
  );
}

type JsonHash = Omit<SealedHash, 'importDigest' | 'sealed'> & { importDigest: string; sealed: string };
type JsonRecipe = Recipe & { pepperId: string | null; sealed: string | null };

/** Longest lookup first: the one that names fewer keys. */
async function findCandidates(
  db: Db,
  wanted: readonly (readonly string[])[],
): Promise<readonly ImportCandidates[]> {
  const { rows } = await sql<{ recipes: JsonRecipe[] | null; hashes: JsonHash[] | null }>`
    SELECT (
      SELECT json_agg(json_build_object('id', recipe.id, 'algorithm', algorithm, 'salt', salt,
          'saltPosition', salt_position, 'secretName', secret_name, 'pepperId', pepper_id,
          'sealed', encode(sealed_secret, 'base64')) ORDER BY recipe.id)
      FROM import_recipes AS recipe LEFT JOIN import_secrets AS secret ON secret.name = secret_name
      WHERE EXISTS (SELECT FROM imported_keys WHERE recipe_id = recipe.id AND digested_at IS NULL)
    ) AS recipes, (
      SELECT json_agg(json_build_object('keyId', key_id, 'lookup', lookup, 'pepperId', pepper_id,
          'importDigest', encode(import_digest, 'base64'), 'sealed', encode(sealed_hash, 'base64'))
        ORDER BY length(lookup) DESC, key_id)
      FROM imported_keys WHERE lookup = ANY (${[...new Set(wanted.flat())]}::text[])
    ) AS hashes`.execute(db);
  const recipes = (rows[0]?.recipes ?? []).map(toUsedRecipe);
  const hashes = (rows[0]?.hashes ?? []).map((hash) => ({
    ...hash,
    importDigest: Buffer.from(hash.importDigest, 'base64'),
    sealed: Buffer.from(hash.sealed, 'base64'),
  }));
  return wanted.map((lookups) => ({
    recipes,
    hashes: hashes.filter(({ lookup }) => lookups.includes(lookup)),
  }));
}

function toUsedRecipe({ pepperId, sealed, ...recipe }: JsonRecipe): UsedRecipe {
  if (recipe.secretName === null || pepperId === null || sealed === null) return { ...recipe, secret: null };
  return { ...recipe, secret: { name: recipe.secretName, pepperId, sealed: Buffer.from(sealed, 'base64') } };
}

/**
 * Gives an imported key the digest of itself, and forgets its foreign hash: one statement, which
 * does nothing the second time. Only the digest changes, so it needs no entry in the feed, and a
 * revoke before or after it stands: neither writes what the other one does.
 */
export async function digestImportedKey(db: Db, keyId: string, to: KeyDigest): Promise<void> {
  await sql`
    WITH first AS (
      UPDATE imported_keys SET digested_at = clock_timestamp(), lookup = NULL, sealed_hash = NULL
      WHERE key_id = ${keyId} AND digested_at IS NULL RETURNING key_id
    )
    UPDATE api_keys SET digest = ${to.digest}, pepper_id = ${to.pepperId} FROM first WHERE id = first.key_id`.execute(
    db,
  );
}

export type ImportedKey = {
  keyId: string;
  digest: KeyDigest;
  algorithm: ImportAlgorithm;
  organizationId: string;
  environment: string;
  recipeId: string | null;
  lookup: string | null;
  sealedHash: Buffer | null;
  importedAt: Date;
};

/** Inserts the foreign side of keys that were minted in this transaction. */
export async function insertImportedKeys(tx: Tx, keys: readonly ImportedKey[]): Promise<void> {
  const rows = keys.map(({ digest, sealedHash, ...key }) => ({
    key_id: key.keyId,
    import_digest: bytea(digest.digest),
    pepper_id: digest.pepperId,
    algorithm: key.algorithm,
    organization_id: key.organizationId,
    environment: key.environment,
    recipe_id: key.recipeId,
    lookup: key.lookup,
    sealed_hash: sealedHash && bytea(sealedHash),
    imported_at: key.importedAt,
  }));
  await sql`
    INSERT INTO imported_keys SELECT * FROM json_populate_recordset(NULL::imported_keys, ${JSON.stringify(rows)}::json)`.execute(
    tx,
  );
}

function bytea(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}

/**
 * A key that was imported before, by the digest of its hash. `userId`: null when the key was
 * deleted since (usecases/upkeep/prune-keys.ts). Its hash stays known, so that it cannot come back.
 */
export type KnownImport = {
  digest: string;
  keyId: string;
  userId: string | null;
  organizationId: string;
  environment: string;
};

/**
 * Keys by the digests of their hashes, which are returned in hex. One look into each index for one
 * digest: a join of the tables was planned as a hash join over all keys (46 ms for 128 digests).
 */
export async function findKnownImports(db: Db, digests: readonly Buffer[]): Promise<KnownImport[]> {
  const { rows } = await sql<KnownImport>`
    SELECT encode(import_digest, 'hex') AS digest, key_id AS "keyId", user_id AS "userId",
      organization_id AS "organizationId", environment
    FROM unnest(${digests}::bytea[]) AS wanted CROSS JOIN LATERAL (
      SELECT import_digest, key_id, organization_id, environment FROM imported_keys
      WHERE import_digest = wanted LIMIT 1
    ) AS imported LEFT JOIN LATERAL (SELECT user_id FROM api_keys WHERE id = key_id LIMIT 1) AS key ON true`.execute(
    db,
  );
  return rows;
}

/** How many keys each of these lookups names. One that names none is left out. */
export async function countLookups(db: Db, lookups: readonly string[]): Promise<Map<string, number>> {
  if (lookups.length === 0) return new Map();
  const { rows } = await sql<{ lookup: string; count: number }>`
    SELECT lookup, count(*)::integer AS count FROM imported_keys
    WHERE lookup = ANY (${lookups}::text[]) GROUP BY lookup`.execute(db);
  return new Map(rows.map(({ lookup, count }) => [lookup, count]));
}

/**
 * A recipe that no key waits for any more, or whose import was refused, gives up its place an hour
 * after an import wanted it. An import takes less from its recipes to its keys.
 */
async function forgetUnusedRecipes(db: Db): Promise<void> {
  await sql`
    DELETE FROM import_recipes AS recipe WHERE created_at < clock_timestamp() - interval '1 hour'
      AND NOT EXISTS (SELECT FROM imported_keys WHERE recipe_id = recipe.id AND digested_at IS NULL)`.execute(
    db,
  );
}

/** Wanted anew: it is not forgotten under the import that has just found it. */
async function holdRecipes(db: Db, ids: readonly string[]): Promise<void> {
  await sql`
    UPDATE import_recipes SET created_at = clock_timestamp()
    WHERE id = ANY (${ids}::text[]) AND created_at < clock_timestamp() - interval '30 minutes'`.execute(db);
}

/**
 * Inserts the recipes that are new, as long as there are no more than `max`, and returns those that
 * are there. Each is a commit of its own: another import would wait for a row of a longer
 * transaction. A dry run inserts none, and returns those that would fit.
 */
export async function ensureRecipes(
  db: Db,
  recipes: readonly Recipe[],
  { now, max, isDryRun }: { now: Date; max: number; isDryRun: boolean },
): Promise<ReadonlySet<string>> {
  const ids = recipes.map(({ id }) => id);
  const known = async () => {
    const found = await sql<{ id: string }>`
      SELECT id FROM import_recipes WHERE id = ANY (${ids}::text[])`.execute(db);
    return new Set(found.rows.map(({ id }) => id));
  };
  if (!isDryRun) await holdRecipes(db, ids);
  const before = await known();
  const missing = recipes.filter(({ id }) => !before.has(id));
  if (missing.length === 0) return before;
  await forgetUnusedRecipes(db);
  if (isDryRun) {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*)::integer AS count FROM import_recipes`.execute(db);
    const fitting = missing.slice(0, Math.max(0, max - (rows[0]?.count ?? 0)));
    return new Set([...before, ...fitting.map(({ id }) => id)]);
  }
  for (const recipe of missing) {
    await sql`
      INSERT INTO import_recipes (id, algorithm, salt, salt_position, secret_name, created_at)
      SELECT ${recipe.id}, ${recipe.algorithm}, ${recipe.salt}::text, ${recipe.saltPosition}, ${recipe.secretName}::text, ${now}
      WHERE (SELECT count(*) FROM import_recipes) < ${max}
        AND (${recipe.secretName}::text IS NULL OR EXISTS (SELECT FROM import_secrets WHERE name = ${recipe.secretName}))
      ON CONFLICT (id) DO NOTHING`.execute(db);
  }
  return known();
}

export type ImportProgress = { algorithm: string; total: number; left: number; ended: number };

/**
 * Imported keys by algorithm. `left`: living keys that were not presented yet. `ended`: those that
 * were revoked or expired before.
 */
export async function readImportProgress(db: Db, reach: VisibleScope): Promise<ImportProgress[]> {
  const { rows } = await sql<ImportProgress>`
    SELECT algorithm, count(*)::integer AS total,
      count(*) FILTER (WHERE digested_at IS NULL AND is_living)::integer AS left,
      count(*) FILTER (WHERE digested_at IS NULL AND NOT is_living)::integer AS ended
    FROM imported_keys CROSS JOIN LATERAL (
      SELECT digested_at IS NOT NULL OR EXISTS (SELECT FROM api_keys WHERE id = key_id
        AND status IN ('active', 'superseded') AND (expires_at IS NULL OR expires_at > clock_timestamp())) AS is_living
    ) AS living
    WHERE (${reach.organizationIds}::text[] IS NULL OR organization_id = ANY (${reach.organizationIds}::text[]))
      AND (${reach.environments}::text[] IS NULL OR environment = ANY (${reach.environments}::text[]))
    GROUP BY algorithm ORDER BY algorithm`.execute(db);
  return rows;
}
