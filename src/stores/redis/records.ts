import { Cluster } from 'ioredis';
import type { Stamps } from '../../domain/stamp.ts';
import type { RedisClient } from './client.ts';
import { keyspace, recordTagOf } from './keyspace.ts';
import { type PackedRecord, packRecord, unpackRecord } from './record-codec.ts';

/**
 * Twice the largest possible record: 16 KiB of metadata, 64 scopes, 64 addresses. A longer one is
 * foreign, and is not read.
 */
const stampedBytesMax = 65_536;

/** Records in Redis, and what makes them believed there. */
export type StampedRecords = {
  redis: RedisClient;
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
  const stamped = await readStored(redis, digests);
  return digests.map((digest, index) =>
    openRecord(recordStamps, nameOf(digest, history), stamped[index] ?? undefined),
  );
}

type Stored = Buffer | null | undefined;

/** What lies there under each digest, unjudged. */
export function readStored(redis: RedisClient, digests: readonly Buffer[]): Promise<Stored[]> {
  if (redis instanceof Cluster) return readByTag(redis, digests);
  return redis.mgetBuffer(digests.map(keyspace.record));
}

/** One command for each hash tag: an MGET has one slot. Without an answer there is no record. */
async function readByTag(cluster: Cluster, digests: readonly Buffer[]): Promise<Stored[]> {
  const found: Stored[] = new Array(digests.length);
  await Promise.all(
    [...placesByTag(digests).values()].map(async (places) => {
      const names = places.map((place) => keyspace.recordInCluster(digests[place] as Buffer));
      const stored = await cluster.mgetBuffer(names).catch(() => []);
      places.forEach((place, index) => {
        found[place] = stored[index];
      });
    }),
  );
  return found;
}

/** Where the digests of each tag are in the list. */
export function placesByTag(digests: readonly Buffer[]): Map<number, number[]> {
  const places = new Map<number, number[]>();
  digests.forEach((digest, place) => {
    const tag = recordTagOf(digest);
    const known = places.get(tag);
    if (known === undefined) places.set(tag, [place]);
    else known.push(place);
  });
  return places;
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
  const name = redis instanceof Cluster ? keyspace.recordInCluster(digest) : keyspace.record(digest);
  await redis.set(name, stamped, 'PX', Math.ceil(ttlMs));
}

export type NewRecord = { digest: Buffer; packed: PackedRecord; ttlMs: number };

/** Writes records that came together, in one write to the socket unless Redis is a cluster. */
export async function writeRecords(parts: StampedRecords, records: readonly NewRecord[]): Promise<void> {
  const { redis, recordStamps, history } = parts;
  const [only, ...others] = records;
  if (redis instanceof Cluster || others.length === 0) {
    const all = only === undefined ? [] : [only, ...others];
    await Promise.allSettled(
      all.map(({ digest, packed, ttlMs }) => writeRecord(parts, digest, packed, ttlMs)),
    );
    return;
  }
  const pipeline = redis.pipeline();
  for (const { digest, packed, ttlMs } of records) {
    const stamped = recordStamps.stampBytes(nameOf(digest, history), packRecord(packed));
    pipeline.set(keyspace.record(digest), stamped, 'PX', Math.ceil(ttlMs));
  }
  await pipeline.exec();
}
