import type { Redis } from 'ioredis';
import type { KeyRecord } from '../../domain/key-record.ts';
import { fromKeyRecordValues, toKeyRecordValues } from '../../domain/key-record-codec.ts';
import { parseJson } from '../../domain/read-json.ts';
import type { Stamps } from '../../domain/stamp.ts';
import { keyspace } from './keyspace.ts';

/**
 * `readAtMs`: the database server's time of the read. `asOfSeq`: feed position applied before the
 * read, so the record includes all changes up to it.
 */
export type PackedRecord = { record: KeyRecord; readAtMs: number; asOfSeq: number };

/**
 * The first element of every packed record: a reader that does not know the layout treats the entry
 * as absent.
 */
const layout = 3;

/**
 * Twice the largest possible record: 16 KiB of metadata, 64 scopes, 64 addresses. A longer one is
 * foreign, and is not read.
 */
const stampedCharsMax = 65_536;

/** Records in Redis, and what makes them believed there. */
export type StampedRecords = { redis: Redis; recordStamps: Stamps };

/**
 * The record under each digest with the time and the place of its Postgres read; undefined where
 * there is none, or none that one of our processes wrote for this digest. Its age, place and
 * revision are still to be judged: a writer may have been paused between reading Postgres and
 * writing here, and a genuine record may have been put back.
 */
export async function readRecords(
  { redis, recordStamps }: StampedRecords,
  digests: readonly Buffer[],
): Promise<(PackedRecord | undefined)[]> {
  const names = digests.map(keyspace.record);
  const stamped = await redis.mget(names);
  return names.map((name, index) => openRecord(recordStamps, name, stamped[index] ?? ''));
}

function openRecord(stamps: Stamps, name: string, stamped: string): PackedRecord | undefined {
  if (stamped.length > stampedCharsMax) return undefined;
  const text = stamps.open(name, stamped);
  return text === undefined ? undefined : unpackRecord(text);
}

export async function writeRecord(
  { redis, recordStamps }: StampedRecords,
  digest: Buffer,
  packed: PackedRecord,
  ttlMs: number,
): Promise<void> {
  if (ttlMs <= 0) return;
  const name = keyspace.record(digest);
  await redis.set(name, recordStamps.stamp(name, packRecord(packed)), 'PX', Math.ceil(ttlMs));
}

export function packRecord({ record, readAtMs, asOfSeq }: PackedRecord): string {
  return JSON.stringify([layout, Math.floor(readAtMs), asOfSeq, ...toKeyRecordValues(record)]);
}

/** Undefined for other layouts: another version's entry, or foreign data. */
export function unpackRecord(text: string): PackedRecord | undefined {
  const packed = parsePacked(text);
  if (packed === undefined || packed[0] !== layout) return undefined;
  const [, readAtMs, asOfSeq, ...values] = packed;
  const record = fromKeyRecordValues(values);
  return record && { record, readAtMs: readAtMs as number, asOfSeq: asOfSeq as number };
}

function parsePacked(text: string): unknown[] | undefined {
  try {
    const value = parseJson(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
