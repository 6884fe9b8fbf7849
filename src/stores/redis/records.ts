import type { Redis } from 'ioredis';
import type { KeyRecord } from '../../domain/key-record.ts';
import { parseJson } from '../../domain/read-json.ts';
import type { Stamps } from '../../domain/stamp.ts';
import type { Quota, RateLimit } from '../../domain/user-key.ts';
import { keyspace } from './keyspace.ts';

/**
 * `readAtMs`: the database server's time of the read. `asOfSeq`: the place up to which the reader
 * had applied the change feed before it read, so that the record contains all of that.
 */
export type PackedRecord = { record: KeyRecord; readAtMs: number; asOfSeq: number };

/**
 * The first element of every packed record: a reader that does not know the layout treats the entry
 * as absent.
 */
const layout = 2;

/**
 * Twice the largest record there can be: 16 KiB of metadata, 64 scopes, 64 addresses. A longer one
 * is nobody's, and is not even looked at.
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

type Packed = [
  layout: number,
  readAtMs: number,
  asOfSeq: number,
  id: string,
  revision: number,
  lineageId: string | 0,
  userId: string,
  organizationId: string,
  environment: string,
  status: KeyRecord['status'],
  enabled: 0 | 1,
  expiresAtMs: number,
  supersededUntilMs: number,
  scopes: string[],
  metadata: KeyRecord['metadata'],
  rateLimit: RateLimit | 0,
  quota: Quota | 0,
  ipAllowlist: string[] | 0,
];

export function packRecord({ record, readAtMs, asOfSeq }: PackedRecord): string {
  const packed: Packed = [
    layout,
    Math.floor(readAtMs),
    asOfSeq,
    record.id,
    record.revision,
    record.lineageId === record.id ? 0 : record.lineageId,
    record.userId,
    record.organizationId,
    record.environment,
    record.status,
    record.enabled ? 1 : 0,
    record.expiresAtMs ?? 0,
    record.supersededUntilMs ?? 0,
    record.scopes,
    record.metadata,
    record.rateLimit ?? 0,
    record.quota ?? 0,
    record.ipAllowlist ?? 0,
  ];
  return JSON.stringify(packed);
}

/**
 * Undefined for anything that is not of this layout: another version's entry, or somebody else's
 * data.
 */
export function unpackRecord(text: string): PackedRecord | undefined {
  const packed = parsePacked(text);
  if (packed === undefined) return undefined;
  const [
    ,
    readAtMs,
    asOfSeq,
    id,
    revision,
    lineageId,
    userId,
    organizationId,
    environment,
    status,
    ...switches
  ] = packed;
  const [enabled, expiresAtMs, supersededUntilMs, scopes, metadata, rateLimit, quota, ipAllowlist] = switches;
  return {
    readAtMs,
    asOfSeq,
    record: {
      id,
      revision,
      lineageId: lineageId || id,
      userId,
      organizationId,
      environment,
      status,
      enabled: enabled === 1,
      expiresAtMs: expiresAtMs || null,
      supersededUntilMs: supersededUntilMs || null,
      scopes,
      metadata,
      rateLimit: rateLimit || null,
      quota: quota || null,
      ipAllowlist: ipAllowlist || null,
    },
  };
}

function parsePacked(text: string): Packed | undefined {
  try {
    const value = parseJson(text);
    return Array.isArray(value) && value[0] === layout && value.length === 18 ? (value as Packed) : undefined;
  } catch {
    return undefined;
  }
}
