import { AsyncLocalStorage } from 'node:async_hooks';
import type { KeyDigest } from '../domain/key-digest.ts';
import { recordLifeMs, recordOfNewKey } from '../domain/key-record.ts';
import type { Key } from '../domain/user-key.ts';
import type { Lease } from '../revocation/lease.ts';
import type { RememberedRevisions } from '../revocation/remembered-revisions.ts';
import type { ServerClock } from '../revocation/server-clock.ts';
import { type NewRecord, type StampedRecords, writeRecords } from '../stores/redis/records.ts';

type Parts = StampedRecords & {
  lease: Pick<Lease, 'isHeld'>;
  revisions: Pick<RememberedRevisions, 'seq'>;
  clock: Pick<ServerClock, 'earliest'>;
};

/**
 * Puts the record of each new key into Redis, so that every process can answer for it while
 * Postgres is away (docs/decisions/0034). Called before the mint; what it returns is called with
 * the key when the mint has committed, and only then.
 *
 * The record's place in the feed is the one from before the mint. No change up to there is about
 * this key, since it did not exist; each one after it is in the feed, and readers judge by that.
 */
export function mintedRecords(parts: Parts): () => (key: Key, digest: KeyDigest) => void {
  // Root context: it belongs to no request's trace.
  const outsideOfTraces = AsyncLocalStorage.snapshot();
  let waiting: NewRecord[] = [];
  /** Mints of one statement end together, and their records are one write. */
  const flush = () => {
    const records = waiting;
    waiting = [];
    void writeRecords(parts, records).catch(() => undefined);
  };
  return () => {
    const { lease, revisions, clock } = parts;
    if (!lease.isHeld()) return () => undefined;
    const [asOfSeq, readAtMs] = [revisions.seq, clock.earliest().getTime()];
    return (key, { digest }) => {
      const packed = { record: recordOfNewKey(key), readAtMs, asOfSeq };
      waiting.push({ digest, packed, ttlMs: recordLifeMs });
      if (waiting.length === 1) outsideOfTraces(setImmediate, flush);
    };
  };
}
