import type { QuotaPeriod } from '../../domain/user-key.ts';

/** No other name begins so. With it and 11 bytes a name takes 16 bytes of Redis, and not 32. */
const recordPrefix = Buffer.from('fl;');
const digestBytes = 11;

/**
 * Hash tags of records on a Cluster: the records of a turn are read with 16 commands at most. Their
 * slots are spread so that up to eight masters with equal ranges have about equal shares.
 */
const recordTags = '&3Hj#2Ikz,Wuy-Vt';
const taggedPrefixes = [...recordTags].map((tag) => Buffer.from(`fl;{${tag}}`));
/** As many bytes in all as the other names have. */
const taggedDigestBytes = 8;

/**
 * Every key this service keeps in Redis. All of it may vanish at any moment: records are read anew,
 * counters start from what Postgres has, flushes are bounded to seconds of counts. Braces are hash
 * tags: keys that one script touches share a slot.
 *
 * | key                           | type   | TTL                  | holds                  |
 * |-------------------------------|--------|----------------------|------------------------|
 * | fl;<11 bytes of a digest>     | string | 5 min from its read  | code and packed record |
 * | fl;{<tag>}<8 bytes of it>     | string | 5 min from its read  | the same, on a Cluster |
 * | fl:limit:{<lineage>}:rate:<s> | string | the window           | cost spent             |
 * | fl:limit:{<lineage>}:<period> | string | the period and a day | cost spent             |
 * | fl:usage:flushes              | hash   | none                 | id → code and marks    |
 * | fl:usage:pause                | string | 2 s at most          | a roll-up waits        |
 * | {fl:refusals}:keys            | hash   | 7 days from the last | key id → codes, refusals |
 * | {fl:refusals}:times           | zset   | 7 days from the last | key id by last refusal |
 * | {fl:refusals}:requests        | zset   | 7 days from the last | request id, key id     |
 * | {fl:jobs}:…                   | BullMQ | BullMQ's             | schedules, ids         |
 */
export const keyspace = {
  // Two digests that begin alike share an entry, and the code in it says of which it is.
  record: (digest: Buffer) => Buffer.concat([recordPrefix, digest.subarray(0, digestBytes)]),
  recordInCluster: (digest: Buffer) => {
    const prefix = taggedPrefixes[recordTagOf(digest)] as Buffer;
    return Buffer.concat([prefix, digest.subarray(1, 1 + taggedDigestBytes)]);
  },
  // Includes the length: a window with another length is a new one.
  rate: (lineageId: string, windowSeconds: number) => `fl:limit:{${lineageId}}:rate:${windowSeconds}`,
  // Includes the period's name: a month begins on the same date as its first day.
  quota: (lineageId: string, period: QuotaPeriod, periodStart: Date) =>
    `fl:limit:{${lineageId}}:${period}:${periodStart.toISOString().slice(0, 10)}`,
  usageFlushes: 'fl:usage:flushes',
  usagePause: 'fl:usage:pause',
  refusals: '{fl:refusals}:keys',
  refusedKeys: '{fl:refusals}:times',
  refusedRequests: '{fl:refusals}:requests',
  jobsPrefix: '{fl:jobs}',
} as const;

/** Number of the tag of a record on a Cluster: the first four bits of its digest. */
export function recordTagOf(digest: Buffer): number {
  return (digest[0] as number) >> 4;
}
