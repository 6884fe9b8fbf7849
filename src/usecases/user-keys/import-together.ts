import { newAuditEvent } from '../../domain/audit-event.ts';
import { FlowplateError, validationError } from '../../domain/errors.ts';
import { sealImportedHash } from '../../domain/import-seal.ts';
import { type ForeignHash, type Recipe, recipeOf } from '../../domain/imported-hash.ts';
import { applyPolicy } from '../../domain/organization-policy.ts';
import { type Caller, isVisibleTo, originOf } from '../../domain/principal.ts';
import { type Key, statusAt } from '../../domain/user-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { findHomes, type Home } from '../../stores/postgres/organizations/policies.ts';
import { holdImportSecrets } from '../../stores/postgres/user-keys/import-secrets.ts';
import {
  countLookups,
  ensureRecipes,
  findKnownImports,
  insertImportedKeys,
} from '../../stores/postgres/user-keys/imported-keys.ts';
import {
  insertMints,
  isBoundReached,
  isMinted,
  type Mint,
} from '../../stores/postgres/user-keys/minted-keys.ts';
import { findActiveKey } from '../../stores/postgres/user-keys/user-keys.ts';
import { credentialEnded } from '../authority.ts';
import { ensureOrganization } from '../organizations/ensure-organization.ts';
import { boundReached } from './bound-reached.ts';
import type { ImportOutcome, ImportParts, WantedImport } from './import-keys.ts';
import { keyEvent } from './key-events.ts';

/**
 * What stands in the way of a line: the active row of its owner, whose key was stopped or has
 * expired; or that its organization or environment does not exist yet.
 */
export type Obstacle = { key: Key; kind: 'expired' | 'stopped' | 'no home' };

/**
 * Keys of one lookup at most: each costs a wrong key one more slow hash. Verification compares
 * twice as many.
 */
const keysPerLookupMax = 4;

/** Ways to compute hashes at most: every foreign key that is presented first is hashed by each. */
const recipesMax = 16;

/** `recipes`: ids of those that may be used. */
type Options = { isDryRun: boolean; recipes: ReadonlySet<string> };
type Run = Options & { parts: ImportParts; caller: Caller; tx: Tx; now: Date };

class RolledBack extends Error {
  readonly outcomes: ImportOutcome[];

  constructor(outcomes: ImportOutcome[]) {
    super('A dry run');
    this.outcomes = outcomes;
  }
}

/**
 * One transaction for several lines: reads what is known of them, and
 * inserts the keys with their audit events by the statement of a mint. A dry run is the same and
 * ends in a rollback, so that it cannot say anything else.
 */
export async function importTogether(
  parts: ImportParts,
  caller: Caller,
  wanted: readonly WantedImport[],
  options: Options,
): Promise<ImportOutcome[]> {
  try {
    return await parts.db.transaction().execute(async (tx) => {
      const run = { ...options, parts, caller, tx, now: parts.clock.now() };
      const outcomes = await importAll(run, wanted);
      if (options.isDryRun) throw new RolledBack(outcomes);
      return outcomes;
    });
  } catch (error) {
    if (error instanceof RolledBack) return error.outcomes;
    throw error;
  }
}

async function importAll(run: Run, wanted: readonly WantedImport[]): Promise<ImportOutcome[]> {
  const outcomes = new Map<WantedImport, ImportOutcome>();
  const rest = () => wanted.filter((one) => !outcomes.has(one));
  await findRepeated(run, wanted, outcomes);
  const homes = await findHomes(run.tx, keysOf(rest()));
  await findMissingHomes(run, rest(), homes, outcomes);
  await checkLookups(run, rest(), outcomes);
  await checkRecipes(run, rest(), outcomes);
  const mints = new Map<WantedImport, Mint>();
  for (const one of rest()) {
    try {
      mints.set(one, toMint(run, one, homes.get(one.key.organizationId)));
    } catch (error) {
      outcomes.set(one, { error: error as FlowplateError });
    }
  }
  await insert(run, mints, outcomes);
  return wanted.map((one) => outcomes.get(one) ?? { obstacle: undefined });
}

function keysOf(wanted: readonly WantedImport[]): Key[] {
  return wanted.map(({ key }) => key);
}

/** Hashes that were imported before, and those that an earlier line of these has. */
async function findRepeated(
  { tx, caller, isDryRun }: Run,
  wanted: readonly WantedImport[],
  outcomes: Map<WantedImport, ImportOutcome>,
): Promise<void> {
  const known = new Map(
    (
      await findKnownImports(
        tx,
        wanted.flatMap(({ digests }) => digests),
      )
    ).map((found) => [found.digest, found]),
  );
  const begun = new Set<string>();
  for (const one of wanted) {
    const found = one.digests.map((digest) => known.get(digest.toString('hex'))).find(Boolean);
    const name = one.digest.digest.toString('hex');
    if (found !== undefined) {
      const isSameOwner =
        found.userId === one.key.userId &&
        found.organizationId === one.key.organizationId &&
        found.environment === one.key.environment;
      const isSeen = isVisibleTo(caller.principal, found.organizationId, found.environment);
      outcomes.set(
        one,
        isSameOwner
          ? { status: 'unchanged', keyId: found.keyId }
          : { error: exists(isSeen ? found.keyId : undefined) },
      );
    } else if (begun.has(name)) {
      // The next round finds the key of the earlier line, except in a dry run.
      outcomes.set(one, isDryRun ? { error: exists(undefined) } : { obstacle: undefined });
    }
    begun.add(name);
  }
}

function exists(keyId: string | undefined): FlowplateError {
  return new FlowplateError('KEY_ALREADY_EXISTS', keyId === undefined ? {} : { details: { key_id: keyId } });
}

/** They are created before the next round. A dry run creates them here, and rolls back. */
async function findMissingHomes(
  { parts, tx, now, isDryRun }: Run,
  wanted: readonly WantedImport[],
  homes: Map<string, Home>,
  outcomes: Map<WantedImport, ImportOutcome>,
): Promise<void> {
  const missing = wanted.filter(({ key }) => {
    const home = homes.get(key.organizationId);
    return home === undefined || (home.status === 'active' && !home.environments.includes(key.environment));
  });
  for (const one of missing) {
    const { organizationId: id, environment } = one.key;
    const home = homes.get(id);
    const fault = parts.strictOrganizations ? missingHome(home, one.key, parts.environment) : undefined;
    if (fault !== undefined) outcomes.set(one, { error: fault });
    else if (!isDryRun) outcomes.set(one, { obstacle: { key: one.key, kind: 'no home' } });
    else {
      await ensureOrganization(parts, tx, { id, name: id, environments: [environment] }, now);
      homes.set(id, home ?? { status: 'active', policy: null, version: null, environments: [] });
    }
  }
}

function missingHome(
  home: Home | undefined,
  { organizationId, environment }: Key,
  ownEnvironment: string,
): FlowplateError | undefined {
  if (home === undefined) {
    return new FlowplateError('ORGANIZATION_NOT_FOUND', { details: { organization_id: organizationId } });
  }
  if (environment === ownEnvironment) return undefined;
  return new FlowplateError('ENVIRONMENT_NOT_FOUND', {
    details: { organization_id: organizationId, environment },
  });
}

async function checkLookups(
  { tx }: Run,
  wanted: readonly WantedImport[],
  outcomes: Map<WantedImport, ImportOutcome>,
): Promise<void> {
  const found = wanted.filter(({ foreign }) => recipeOf(foreign) === undefined);
  const counts = await countLookups(tx, [...new Set(found.flatMap(({ foreign }) => foreign.lookup ?? []))]);
  for (const one of found) {
    const lookup = one.foreign.lookup ?? '';
    const count = (counts.get(lookup) ?? 0) + 1;
    counts.set(lookup, count);
    if (count <= keysPerLookupMax) continue;
    const message = `names ${keysPerLookupMax} keys already: give more characters`;
    outcomes.set(one, { error: validationError([{ path: 'lookup', message }]) });
  }
}

/** Makes the recipes of these lines usable; returns the ids of those that are. */
export function ensureRecipesOf(
  { db, clock }: Pick<ImportParts, 'db' | 'clock'>,
  wanted: readonly WantedImport[],
  isDryRun: boolean,
): Promise<ReadonlySet<string>> {
  const recipes = [...recipesOf(wanted).values()];
  return ensureRecipes(db, recipes, { now: clock.now(), max: recipesMax, isDryRun });
}

function recipesOf(wanted: readonly WantedImport[]): Map<string, Recipe> {
  return new Map(
    wanted.flatMap(({ foreign }) => {
      const recipe = recipeOf(foreign);
      return recipe === undefined ? [] : [[recipe.id, recipe] as const];
    }),
  );
}

async function checkRecipes(
  { tx, recipes }: Run,
  wanted: readonly WantedImport[],
  outcomes: Map<WantedImport, ImportOutcome>,
): Promise<void> {
  const names = wanted.flatMap(({ foreign }) => foreign.secretName ?? []);
  const secrets = names.length === 0 ? new Set<string>() : await holdImportSecrets(tx, names);
  for (const one of wanted) {
    const { secretName } = one.foreign;
    const recipe = recipeOf(one.foreign);
    const isKnown = recipe === undefined || recipes.has(recipe.id);
    const hasSecret = secretName === null || secrets.has(secretName);
    if (!isKnown || !hasSecret) outcomes.set(one, { error: noRecipe(one.foreign, secrets) });
  }
}

function noRecipe({ secretName }: ForeignHash, secrets: ReadonlySet<string>): FlowplateError {
  if (secretName !== null && !secrets.has(secretName)) {
    return validationError([{ path: 'secret_name', message: 'there is no import secret of this name' }]);
  }
  const message = `is one salt or secret more than ${recipesMax}: give a lookup with a salt that belongs to one key`;
  return validationError([{ path: 'salt', message }]);
}

/** Applies the policy of the organization. Throws what it refuses. */
function toMint({ parts, caller, now }: Run, { key, digest, foreign }: WantedImport, home?: Home): Mint {
  if (home !== undefined && home.status !== 'active') throw new FlowplateError('ORGANIZATION_SUSPENDED');
  const compliant = applyPolicy(home?.policy ?? null, key, now);
  const draft = keyEvent('key.imported', compliant, { algorithm: foreign.algorithm });
  return {
    key: compliant,
    policyVersion: home?.version ?? null,
    kept: undefined,
    digest,
    event: newAuditEvent({ ...parts, now: key.createdAt }, originOf(caller), draft),
  };
}

async function insert(
  run: Run,
  mints: ReadonlyMap<WantedImport, Mint>,
  outcomes: Map<WantedImport, ImportOutcome>,
): Promise<void> {
  if (mints.size === 0) return;
  const inserted = await insertMints(run.tx, [...mints.values()]);
  const minted: WantedImport[] = [];
  for (const [place, one] of [...mints.keys()].entries()) {
    const outcome = inserted[place] ?? 'obstructed';
    if (isMinted(outcome)) {
      minted.push(one);
      outcomes.set(
        one,
        run.isDryRun ? { status: 'importable', keyId: undefined } : { status: 'imported', keyId: one.key.id },
      );
    } else if (outcome === 'unauthorized') outcomes.set(one, { error: credentialEnded() });
    else if (isBoundReached(outcome)) outcomes.set(one, { error: boundReached(outcome) });
    else if (outcome === 'obstructed') outcomes.set(one, await explainObstruction(run, one));
  }
  if (minted.length > 0)
    await insertImportedKeys(
      run.tx,
      minted.map((one) => toImportedKey(run, one)),
    );
}

async function explainObstruction(
  { parts, tx, isDryRun }: Run,
  { key }: WantedImport,
): Promise<ImportOutcome> {
  const active = await findActiveKey(tx, key);
  if (active === undefined) return { obstacle: undefined };
  const status = statusAt(active, parts.clock.earliest());
  if (status !== 'expired' && status !== 'revoked') return { error: exists(active.id) };
  // It has ended, and is tidied away before the import.
  return isDryRun
    ? { status: 'importable', keyId: undefined }
    : { obstacle: { key: active, kind: status === 'revoked' ? 'stopped' : 'expired' } };
}

function toImportedKey({ parts, now }: Run, { key, foreign, digest }: WantedImport) {
  const recipe = recipeOf(foreign);
  return {
    keyId: key.id,
    digest,
    algorithm: foreign.algorithm,
    organizationId: key.organizationId,
    environment: key.environment,
    recipeId: recipe?.id ?? null,
    lookup: recipe === undefined ? foreign.lookup : null,
    sealedHash: recipe === undefined ? sealImportedHash(parts.keyring, key.id, foreign) : null,
    importedAt: now,
  };
}
