import { FlowplateError, validationError } from '../../domain/errors.ts';
import type { ForeignPatterns } from '../../domain/foreign-pattern.ts';
import { bcryptBytesMax, digestForeignHash, type ForeignHash } from '../../domain/imported-hash.ts';
import type { KeyDigest, Keyring } from '../../domain/key-digest.ts';
import { type Caller, queueOf, requireVisible } from '../../domain/principal.ts';
import { requireFuture } from '../../domain/require-future.ts';
import type { Key, KeySettings } from '../../domain/user-key.ts';
import { isUniqueViolation } from '../../stores/postgres/faults.ts';
import type { ChangeParts } from '../change.ts';
import { ensureRecipesOf, importTogether, type Obstacle } from './import-together.ts';
import { issueImported } from './issue-imported.ts';
import type { MintParts } from './mint-key.ts';
import { createHome, endExpired, endStopped } from './mint-or-replay.ts';

export type ImportRequest = KeySettings & {
  userId: string;
  organizationId: string;
  environment: string;
  foreign: ForeignHash;
};

export type ImportParts = ChangeParts &
  Pick<MintParts, 'homes'> & {
    keyring: Keyring;
    foreignPatterns: ForeignPatterns;
    /** The deployment's own environment, which an import may create in any case. */
    environment: string;
    /** Whether an import refuses organizations and environments that do not exist. */
    strictOrganizations: boolean;
  };

/** `unchanged`: this hash was imported for this owner before. `importable`: of a dry run. */
export type Imported =
  | { status: 'imported' | 'unchanged'; keyId: string }
  | { status: 'importable'; keyId: undefined };

/** A line that is ready for the database. `digests`: of its hash under every live pepper. */
export type WantedImport = {
  key: Key;
  foreign: ForeignHash;
  digest: KeyDigest;
  digests: readonly Buffer[];
};

/** What became of a line; undefined when it is to be tried again, with what stands in its way. */
export type ImportOutcome = Imported | { error: FlowplateError } | { obstacle: Obstacle | undefined };

/** Rounds of removing obstacles, as in a mint. */
const roundsMax = 4;

/**
 * Imports keys of other products by their hashes: several together in one transaction, each with
 * its own outcome. One outcome for each, in order; it never rejects. The same hash for the same
 * owner again is `unchanged`. A dry run does all of it and rolls back. Errors of a line are those
 * of `mintKey`; `KEY_ALREADY_EXISTS` also for a hash that was imported for another owner.
 */
export async function importKeys(
  parts: ImportParts,
  caller: Caller,
  requests: readonly ImportRequest[],
  { isDryRun }: { isDryRun: boolean },
): Promise<PromiseSettledResult<Imported>[]> {
  const results = new Map<number, PromiseSettledResult<Imported>>();
  const settle = (index: number, error: unknown) => results.set(index, { status: 'rejected', reason: error });
  let waiting: [number, WantedImport][] = [];
  for (const [index, request] of requests.entries()) {
    try {
      waiting.push([index, prepare(parts, caller, request)]);
    } catch (error) {
      settle(index, error);
    }
  }
  for (let round = 1; waiting.length > 0; round++) {
    const outcomes = await tryTogether(
      parts,
      caller,
      waiting.map(([, wanted]) => wanted),
      isDryRun,
    );
    const again: typeof waiting = [];
    const created = new Set<string>();
    for (const [place, [index, wanted]] of waiting.entries()) {
      const outcome = outcomes[place] ?? { obstacle: undefined };
      if ('status' in outcome) results.set(index, { status: 'fulfilled', value: outcome });
      else if ('error' in outcome) settle(index, outcome.error);
      else if (round >= roundsMax) settle(index, new FlowplateError('OVERLOADED', { retryAfterSeconds: 1 }));
      else {
        const { obstacle } = outcome;
        const home =
          obstacle?.kind === 'no home' ? `${wanted.key.organizationId} ${wanted.key.environment}` : '';
        const fault = created.has(home) ? undefined : await removeObstacle(parts, caller, obstacle);
        if (home !== '' && fault === undefined) created.add(home);
        if (fault === undefined) again.push([index, wanted]);
        else settle(index, fault);
      }
    }
    waiting = again;
  }
  return requests.map((_, index) => results.get(index) ?? { status: 'rejected', reason: undefined });
}

function prepare(parts: ImportParts, caller: Caller, request: ImportRequest): WantedImport {
  const { foreign, ...wanted } = request;
  const now = parts.clock.now();
  requireVisible(caller.principal, wanted.organizationId, wanted.environment);
  requireFuture(wanted.expiresAt, now);
  requireDeclared(parts.foreignPatterns, foreign);
  const digests = parts.keyring.map((pepper) => digestForeignHash(pepper, foreign));
  const [digest = digestForeignHash(parts.keyring[0], foreign)] = digests;
  return {
    key: issueImported(parts, caller.principal, { ...wanted, lookup: foreign.lookup }, now),
    foreign,
    digest,
    digests: digests.map((one) => one.digest),
  };
}

/** A key of no declared pattern could never be verified. */
function requireDeclared(patterns: ForeignPatterns, { algorithm, lookup }: ForeignHash): void {
  if (patterns.length === 0) {
    throw validationError([{ path: 'hash', message: 'no key pattern is declared (FOREIGN_KEY_PATTERNS)' }]);
  }
  if (lookup === null) return;
  const matching = patterns.filter((pattern) => pattern.isLookup(lookup));
  if (matching.length === 0) {
    throw validationError([
      {
        path: 'lookup',
        message:
          'must be the beginning of a declared pattern: its prefix, at least 4 characters more, and at least 16 left out',
      },
    ]);
  }
  const bytesMin = Math.min(...matching.map(({ prefix, lengthFrom }) => prefix.length + lengthFrom));
  if (algorithm === 'bcrypt' && bytesMin > bcryptBytesMax) {
    throw validationError([
      {
        path: 'algorithm',
        message: `bcrypt reads ${bcryptBytesMax} bytes, and keys of this pattern are longer`,
      },
    ]);
  }
}

/** A fault of the database is the outcome of each line. */
async function tryTogether(
  parts: ImportParts,
  caller: Caller,
  wanted: readonly WantedImport[],
  isDryRun: boolean,
): Promise<readonly ImportOutcome[]> {
  try {
    parts.requireChangeable?.();
    return await parts.connections.run(queueOf(caller.principal), async () => {
      const recipes = await ensureRecipesOf(parts, wanted, isDryRun);
      return importTogether(parts, caller, wanted, { isDryRun, recipes });
    });
  } catch (error) {
    // Another request has just imported one of these hashes. The next round sees it.
    if (isUniqueViolation(error, 'imported_keys_digest') || isUniqueViolation(error, 'api_keys_digest')) {
      return wanted.map(() => ({ obstacle: undefined }));
    }
    return wanted.map(() => ({ error: error as FlowplateError }));
  }
}

/** In a transaction of its own, which other imports wait for only as long as it takes. */
async function removeObstacle(
  parts: ImportParts,
  caller: Caller,
  obstacle: Obstacle | undefined,
): Promise<unknown> {
  if (obstacle === undefined) return undefined;
  const { key, kind } = obstacle;
  try {
    if (kind === 'no home') await createHome(parts, caller, key);
    else await (kind === 'stopped' ? endStopped(parts, key) : endExpired(parts, key));
    return undefined;
  } catch (error) {
    return error;
  }
}
