import type { Redis } from 'ioredis';
import type { Stamps } from '../../domain/stamp.ts';
import { keyspace } from './keyspace.ts';
import { type PackedRecord, packRecord, unpackRecord } from './record-codec.ts';

/**
 * Twice the largest possible record: 16 KiB of metadata, 64 scopes, 64 addresses. A longer one is
 * foreign, and is not read.
 */
const stampedBytesMax = 65_536;

/** Records in Redis, and what makes them believed there. */
export type StampedRecords = {
  redis: Redis;
  recordStamps: Stamps;
  /** The present history of the database; what was written under another one is no record. */
  history: { readonly bytes: Buffer };
};

/**
 * The record under each digest with the time and the place of its Postgres read; undefined where
 * there is none, or none that one of our processes wrote for this digest. Its age, place and
 * revision are still to be judged: a writer may have been paused between reading Postgres and
 * writing here, and a genuine record may have been put back.
 */
export async function readRecords(
  { redis, recordStamps, history }: StampedRecords,
  digests: readonly Buffer[],
): Promise<(PackedRecord | undefined)[]> {
  const stamped = await redis.mgetBuffer(digests.map(keyspace.record));
  return digests.map((digest, index) =>
    openRecord(recordStamps, nameOf(digest, history), stamped[index] ?? undefined),
  );
}

/** The stamp names the whole digest, of which the name in Redis has the beginning. */
function nameOf(digest: Buffer, { bytes }: StampedRecords['history']): Buffer {
  return Buffer.concat([digest, bytes]);
}

function openRecord(stamps: Stamps, name: Buffer, stamped: Buffer | undefined): PackedRecord | undefined {
  if (stamped === undefined || stamped.length > stampedBytesMax) return undefined;
  const bytes = stamps.openBytes(name, stamped);
  return bytes === undefined ? undefined : unpackRecord(bytes);
}

export async function writeRecord(
  { redis, recordStamps, history }: StampedRecords,
  digest: Buffer,
  packed: PackedRecord,
  ttlMs: number,
): Promise<void> {
  if (ttlMs <= 0) return;
  const stamped = recordStamps.stampBytes(nameOf(digest, history), packRecord(packed));
  await redis.set(keyspace.record(digest), stamped, 'PX', Math.ceil(ttlMs));
}
