import type { Redis } from 'ioredis';
import type { UsageFlush, UsageMark } from '../../domain/usage.ts';
import { isAccepted } from '../../domain/verdict.ts';
import { keyspace } from './keyspace.ts';

/** A flush of a busy process has thousands of marks, and while a page is read nothing else is. */
const flushesPerPage = 20;

/** Each flush is a field of its own under its id: delivering it twice writes the same field, removing it twice removes nothing. */
export async function pushFlush(redis: Redis, flush: UsageFlush): Promise<void> {
  await redis.hset(keyspace.usageFlushes, flush.id, JSON.stringify(flush.marks.map(pack)));
}

/** Up to `countMax` of the waiting flushes, in no order. */
export async function readFlushes(redis: Redis, countMax: number): Promise<UsageFlush[]> {
  const fields = (await redis.hrandfield(keyspace.usageFlushes, countMax, 'WITHVALUES')) as unknown;
  return pairs(fields).map(([id, marks]) => ({ id, marks: (JSON.parse(marks) as PackedMark[]).map(unpack) }));
}

export type WaitingCost = { flushId: string; lineageId: string; minuteMs: number; cost: number };

/**
 * The accepted cost of these lines in the flushes that wait. Stops after about `flushesMax` of
 * them: while a worker is away for long, its whole backlog would be too much to read.
 */
export async function listWaitingCosts(
  redis: Redis,
  lineageIds: ReadonlySet<string>,
  flushesMax: number,
): Promise<WaitingCost[]> {
  const found = new Map<string, WaitingCost[]>();
  let cursor = '0';
  do {
    const [next, fields] = await redis.hscan(keyspace.usageFlushes, cursor, 'COUNT', flushesPerPage);
    for (const [flushId, marks] of pairs(fields)) {
      const costs = (JSON.parse(marks) as PackedMark[]).map(unpack).filter(isAcceptedIn(lineageIds));
      found.set(
        flushId,
        costs.map(({ lineageId, minuteMs, cost }) => ({ flushId, lineageId, minuteMs, cost })),
      );
    }
    cursor = next;
  } while (cursor !== '0' && found.size < flushesMax);
  return [...found.values()].flat();
}

function isAcceptedIn(lineageIds: ReadonlySet<string>): (mark: UsageMark) => boolean {
  return (mark) => isAccepted(mark.code) && lineageIds.has(mark.lineageId);
}

export async function removeFlushes(redis: Redis, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await redis.hdel(keyspace.usageFlushes, ...ids);
}

export async function countFlushes(redis: Redis): Promise<number> {
  return redis.hlen(keyspace.usageFlushes);
}

type PackedMark = [string, number, UsageMark['code'], number, number, number, number];

function pack(mark: UsageMark): PackedMark {
  return [mark.lineageId, mark.minuteMs, mark.code, mark.calls, mark.cost, mark.firstAtMs, mark.lastAtMs];
}

function unpack([lineageId, minuteMs, code, calls, cost, firstAtMs, lastAtMs]: PackedMark): UsageMark {
  return { lineageId, minuteMs, code, calls, cost, firstAtMs, lastAtMs };
}

/** RESP3 answers a list of pairs, RESP2 one flat list. */
function pairs(fields: unknown): Array<[string, string]> {
  if (!Array.isArray(fields)) return [];
  if (Array.isArray(fields[0])) return fields as Array<[string, string]>;
  return fields.flatMap((field, index) =>
    index % 2 === 0 ? [[field, fields[index + 1]] as [string, string]] : [],
  );
}
