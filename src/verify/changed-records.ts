import { AsyncLocalStorage } from 'node:async_hooks';
import { Bulkhead } from '../concurrency/bulkhead.ts';
import type { Keyring } from '../domain/key-digest.ts';
import { recordLifeMs } from '../domain/key-record.ts';
import type { DatabaseHistory } from '../revocation/database-history.ts';
import type { Lease } from '../revocation/lease.ts';
import type { RememberedRevisions } from '../revocation/remembered-revisions.ts';
import type { ServerClock } from '../revocation/server-clock.ts';
import type { Database } from '../stores/postgres/database.ts';
import { findDigestedKeyRecord } from '../stores/postgres/verify-records.ts';
import { type StampedRecords, writeRecord } from '../stores/redis/records.ts';

type Parts = StampedRecords & {
  history: Pick<DatabaseHistory, 'requireCurrent'>;
  db: Database;
  keyring: Keyring;
  lease: Pick<Lease, 'isHeld'>;
  revisions: Pick<RememberedRevisions, 'seq'>;
  clock: Pick<ServerClock, 'ageMs'>;
};

/** One statement at a time beside those of callers. What does not fit is read when it is asked. */
const limits = { runningMax: 1, waitingMax: 100, refusal: 'OVERLOADED' } as const;

/**
 * Puts the record of a key that this process has just changed into Redis, in the background: a
 * revoked key is then known as revoked, also while Postgres is away (docs/decisions/0034). It is a
 * look-up like any other, only that nobody waits for it.
 */
export function changedRecords(parts: Parts): (keyId: string) => void {
  const bulkhead = new Bulkhead(limits);
  // Root context: it belongs to no request's trace.
  const outsideOfTraces = AsyncLocalStorage.snapshot();
  const renewOne = (keyId: string) => bulkhead.run(() => renew(parts, keyId)).catch(() => undefined);
  return (keyId) => void outsideOfTraces(renewOne, keyId);
}

async function renew(parts: Parts, keyId: string): Promise<void> {
  const { db, keyring, lease, revisions, clock, history } = parts;
  if (!lease.isHeld()) return;
  // Before the query: its snapshot is later, and includes every change applied here.
  const asOfSeq = revisions.seq;
  const stored = await findDigestedKeyRecord(db, keyId);
  if (stored === undefined || stored.found.pepperId !== keyring[0].id) return;
  history.requireCurrent(stored.place, asOfSeq);
  const { record, readAtMs } = stored.found;
  await writeRecord(
    parts,
    stored.digest,
    { record, readAtMs, asOfSeq },
    recordLifeMs - clock.ageMs(readAtMs),
  );
}
