import { readFileSync } from 'node:fs';
import type { Stamps } from '../../domain/stamp.ts';
import type { UsageFlush, UsageMark } from '../../domain/usage.ts';
import { isAccepted } from '../../domain/verdict.ts';
import type { RedisClient } from './client.ts';
import { keyspace } from './keyspace.ts';

/** A flush has thousands of marks, and reading a page blocks other reads. */
const flushesPerPage = 20;

/** Ten times the largest flush of a process. A longer one is foreign. */
const flushBytesMax = 16_777_216;
/** Ids have 36 characters. Somewhat more is set aside, where an operator can look at it. */
const nameBytesMax = 65_536;
const namesBytesMax = 4_194_304;

const script = (name: string) => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
const listFlushIdsScript = script('list-flush-ids');
const readFlushesScript = script('read-flushes');

/** Usage flushes in Redis, and what makes them believed there. */
export type StampedFlushes = { redis: RedisClient; flushStamps: Stamps };

/**
 * Stores a flush as a hash field under its id, so that both delivery and removal are idempotent.
 */
export async function pushFlush({ redis, flushStamps }: StampedFlushes, flush: UsageFlush): Promise<void> {
  await redis.hset(keyspace.usageFlushes, flush.id, packFlush(flushStamps, flush));
}

/** Serialises a flush. Later releases may append to a mark, but must not reorder it. */
export function packFlush(stamps: Stamps, { id, marks }: UsageFlush): string {
  return stamps.stamp(id, JSON.stringify(marks.map(pack)));
}

/** Ids of up to `countMax` waiting flushes, unordered. */
export async function listFlushIds(redis: RedisClient, countMax: number): Promise<string[]> {
  const bounds = [countMax, nameBytesMax, namesBytesMax];
  return (await redis.eval(listFlushIdsScript, 1, keyspace.usageFlushes, ...bounds)) as string[];
}

/** Raw flushes by id, perhaps foreign. Undefined for missing ones. */
export async function readFlushTexts(
  redis: RedisClient,
  ids: readonly string[],
): Promise<(string | undefined)[]> {
  const asked = [keyspace.usageFlushes, flushBytesMax, ...ids];
  const texts = (await redis.eval(readFlushesScript, 1, ...asked)) as (string | null)[];
  return ids.map((_, index) => texts[index] ?? undefined);
}

export type WaitingCost = { flushId: string; lineageId: string; minuteMs: number; cost: number };

/**
 * Accepted cost of these lines in the waiting flushes. Stops after about `flushesMax`, since the
 * backlog of a long outage is too much to read.
 */
export async function listWaitingCosts(
  { redis, flushStamps }: StampedFlushes,
  lineageIds: ReadonlySet<string>,
  flushesMax: number,
): Promise<WaitingCost[]> {
  const found = new Map<string, WaitingCost[]>();
  let cursor = '0';
  do {
    const [next, fields] = await redis.hscan(keyspace.usageFlushes, cursor, 'COUNT', flushesPerPage);
    for (const [flushId, marks] of pairs(fields)) {
      const costs = readableMarks(flushStamps, flushId, marks).filter(isAcceptedIn(lineageIds));
      found.set(
        flushId,
        costs.map(({ lineageId, minuteMs, cost }) => ({ flushId, lineageId, minuteMs, cost })),
      );
    }
    cursor = next;
  } while (cursor !== '0' && found.size < flushesMax);
  return [...found.values()].flat();
}

/** Empty for a flush that cannot be added up; the roll-up sets it aside. */
function readableMarks(stamps: Stamps, id: string, stamped: string): UsageMark[] {
  try {
    return openFlush(stamps, id, stamped);
  } catch (error) {
    if (error instanceof UnreadableFlush) return [];
    throw error;
  }
}

/** RESP3 returns a list of pairs, RESP2 one flat list. */
function pairs(fields: unknown): Array<[string, string]> {
  if (!Array.isArray(fields)) return [];
  if (Array.isArray(fields[0])) return fields as Array<[string, string]>;
  return fields.flatMap((field, index) =>
    index % 2 === 0 ? [[field, fields[index + 1]] as [string, string]] : [],
  );
}

function isAcceptedIn(lineageIds: ReadonlySet<string>): (mark: UsageMark) => boolean {
  return (mark) => isAccepted(mark.code) && lineageIds.has(mark.lineageId);
}

export async function removeFlushes(redis: RedisClient, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await redis.hdel(keyspace.usageFlushes, ...ids);
}

export async function countFlushes(redis: RedisClient): Promise<number> {
  return redis.hlen(keyspace.usageFlushes);
}

/** Stores a raw flush, from another release or an operator. */
export async function pushFlushText(redis: RedisClient, id: string, text: Buffer): Promise<void> {
  await redis.hset(keyspace.usageFlushes, id, text);
}

type PackedMark = [string, number, UsageMark['code'], number, number, number, number];

function pack(mark: UsageMark): PackedMark {
  return [mark.lineageId, mark.minuteMs, mark.code, mark.calls, mark.cost, mark.firstAtMs, mark.lastAtMs];
}

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const wordPattern = /^[\w.:@-]{1,160}$/;

/** Last moment of the year 9999, the limit of most date formats. */
const timeMsMax = 253_402_300_799_999;

/**
 * The marks of a flush. A code that is not known here is one of a later release. Throws an
 * `UnreadableFlush` for everything that none of our processes has written under this id, and for
 * what could not be added up: it must not reach a statement that counts others as well.
 */
export function openFlush(stamps: Stamps, id: string, stamped: string): UsageMark[] {
  if (!idPattern.test(id)) throw new UnreadableFlush('its id is no UUID');
  const text = stamps.open(id, stamped);
  if (text === undefined) throw new UnreadableFlush('it has no stamp of ours');
  return parseMarks(text);
}

export function parseMarks(text: string): UsageMark[] {
  return parseList(text).map((packed, index) => {
    if (!isPackedMark(packed)) throw new UnreadableFlush(`its mark ${index} is none`);
    return unpack(packed);
  });
}

export class UnreadableFlush extends Error {}

function parseList(text: string): unknown[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list;
  } catch (error) {
    throw new UnreadableFlush('it is no JSON', { cause: error });
  }
  throw new UnreadableFlush('it is no list');
}

function isPackedMark(packed: unknown): packed is PackedMark {
  if (!Array.isArray(packed)) return false;
  const [lineageId, minuteMs, code, calls, cost, firstAtMs, lastAtMs] = packed;
  return (
    isWord(lineageId) &&
    isWord(code) &&
    isCount(calls) &&
    isCount(cost) &&
    isTime(minuteMs) &&
    isTime(firstAtMs) &&
    isTime(lastAtMs)
  );
}

function isWord(value: unknown): boolean {
  return typeof value === 'string' && wordPattern.test(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): boolean {
  return isCount(value) && (value as number) <= timeMsMax;
}

function unpack([lineageId, minuteMs, code, calls, cost, firstAtMs, lastAtMs]: PackedMark): UsageMark {
  return { lineageId, minuteMs, code, calls, cost, firstAtMs, lastAtMs };
}
