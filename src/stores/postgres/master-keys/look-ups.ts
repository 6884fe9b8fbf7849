import { sql } from 'kysely';
import type { MasterKey } from '../../../domain/master-key.ts';
import { readConfirmed } from '../confirmed-read.ts';
import type { Database, Db } from '../database.ts';
import { type FeedGuard, feedPlaceSelection, readCurrent } from '../database-history.ts';
import { type Digests, digestBytes, rowsInOrder } from '../digest-rows.ts';
import { inBatches, type LookUpLimits, type Observable } from '../look-ups.ts';
import { masterKeyColumns, toMasterKey } from './master-keys.ts';

export type FoundMasterKey = { masterKey: MasterKey; pepperId: string };

/** Finds a generated master key by its digests; undefined when there is none. */
export type FindMasterKeyByDigest = (digests: Digests) => Promise<FoundMasterKey | undefined>;

/** Batched lookups of presented secrets (look-ups.ts). */
export function masterKeyLookUps(
  db: Database,
  limits: LookUpLimits,
  guard: FeedGuard,
): Observable<FindMasterKeyByDigest> {
  return inBatches(limits, (wanted: readonly Digests[]) => findMasterKeys(db, wanted, guard));
}

/** The same for a process without a lease (confirmed-read.ts). */
export function confirmedMasterKeyLookUps(
  db: Database,
  limits: LookUpLimits,
  guard: FeedGuard,
): FindMasterKeyByDigest {
  return inBatches(limits, (wanted: readonly Digests[]) =>
    readConfirmed(db, (tx) => findMasterKeys(tx, wanted, guard)),
  );
}

async function findMasterKeys(
  db: Db,
  wanted: readonly Digests[],
  guard: FeedGuard,
): Promise<(FoundMasterKey | undefined)[]> {
  const rows = await readCurrent(guard, () =>
    db
      .selectFrom('master_keys')
      .select([...masterKeyColumns, 'pepper_id', 'digest'])
      .select(feedPlaceSelection)
      .where('digest', '=', sql<Buffer>`any(${digestBytes(wanted)}::bytea[])`)
      .$narrowType<{ pepper_id: string; digest: Buffer }>()
      .execute(),
  );
  return rowsInOrder(wanted, rows).map(
    (row) => row && { masterKey: toMasterKey(row), pepperId: row.pepper_id },
  );
}

/** Finds the living rule for a certificate; undefined when there is none. */
export type FindCertificateRule = (identity: string) => Promise<MasterKey | undefined>;

/** Batched lookups of certificates. */
export function certificateRuleLookUps(
  db: Database,
  limits: LookUpLimits,
  guard: FeedGuard,
): Observable<FindCertificateRule> {
  return inBatches(limits, (identities: readonly string[]) => findCertificateRules(db, identities, guard));
}

/** The same for a process without a lease (confirmed-read.ts). */
export function confirmedCertificateRuleLookUps(
  db: Database,
  limits: LookUpLimits,
  guard: FeedGuard,
): FindCertificateRule {
  return inBatches(limits, (identities: readonly string[]) =>
    readConfirmed(db, (tx) => findCertificateRules(tx, identities, guard)),
  );
}

async function findCertificateRules(
  db: Db,
  identities: readonly string[],
  guard: FeedGuard,
): Promise<(MasterKey | undefined)[]> {
  const rows = await readCurrent(guard, () =>
    db
      .selectFrom('master_keys')
      .select(masterKeyColumns)
      .select(feedPlaceSelection)
      .where('certificate', '=', sql<string>`any(${[...new Set(identities)]}::text[])`)
      .where('revoked_at', 'is', null)
      .execute(),
  );
  const byIdentity = new Map(rows.map((row) => [row.certificate, toMasterKey(row)]));
  return identities.map((identity) => byIdentity.get(identity));
}

/** Reads a master key by id; undefined when there is none. */
export type ReadMasterKey = (id: string) => Promise<MasterKey | undefined>;

/** Batched reads by id, for secrets that were identified before. */
export function masterKeyReads(db: Database, limits: LookUpLimits, guard: FeedGuard): ReadMasterKey {
  return inBatches(limits, (ids: readonly string[]) => readMasterKeys(db, ids, guard));
}

/** The same for a process without a lease (confirmed-read.ts). */
export function confirmedMasterKeyReads(db: Database, limits: LookUpLimits, guard: FeedGuard): ReadMasterKey {
  return inBatches(limits, (ids: readonly string[]) =>
    readConfirmed(db, (tx) => readMasterKeys(tx, ids, guard)),
  );
}

async function readMasterKeys(
  db: Db,
  ids: readonly string[],
  guard: FeedGuard,
): Promise<(MasterKey | undefined)[]> {
  const rows = await readCurrent(guard, () =>
    db
      .selectFrom('master_keys')
      .select(masterKeyColumns)
      .select(feedPlaceSelection)
      .where('id', '=', sql<string>`any(${[...new Set(ids)]}::text[])`)
      .execute(),
  );
  const byId = new Map(rows.map((row) => [row.id, toMasterKey(row)]));
  return ids.map((id) => byId.get(id));
}
