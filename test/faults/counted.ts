import { Redis } from 'ioredis';
import { expect } from 'vitest';
import type { Answer } from '../support/call.ts';
import type { Started } from '../support/deployment.ts';
import { query } from '../support/query.ts';

/** "Readable within ten seconds of the call." */
export const readableMsMax = 10_000;

/** Verifies so often, each time with this verdict. */
export async function callTimes(times: number, verify: () => Promise<Answer>, code: string): Promise<number> {
  for (let call = 0; call < times; call++) expect((await verify()).body.code).toBe(code);
  return times;
}

/** Each flush begins with its code. */
const codeLength = 22;

/** Calls in the flushes that wait in Redis. */
export async function heldByRedis(redisUrl: string): Promise<number> {
  const flushes = await withRedis(redisUrl, (client) => client.hvals('fl:usage:flushes'));
  const marks = flushes.flatMap((text) => JSON.parse(text.slice(codeLength)) as unknown[][]);
  return marks.reduce((sum, mark) => sum + Number(mark[3]), 0);
}

export async function withRedis<Result>(
  redisUrl: string,
  use: (client: Redis) => Promise<Result>,
): Promise<Result> {
  const client = new Redis(redisUrl, { maxRetriesPerRequest: 1 });
  return use(client).finally(() => client.disconnect());
}

export type Sums = { accepted: number; refused: number; hours: number; days: number };

/** Sums of a line of keys in Postgres: in total, by hour and by day. */
export async function readSums(databaseUrl: string, lineageId: string): Promise<Sums> {
  const [sums] = await query(
    databaseUrl,
    `SELECT coalesce(max(accepted), 0)::int AS accepted, coalesce(max(refused), 0)::int AS refused,
       (SELECT coalesce(sum(calls), 0)::int FROM usage_hours WHERE lineage_id = $1) AS hours,
       (SELECT coalesce(sum(calls), 0)::int FROM usage_days WHERE lineage_id = $1) AS days
     FROM usage_totals WHERE lineage_id = $1`,
    [lineageId],
  );
  return sums as Sums;
}

/** The same calls in every table. */
export function everywhere({ accepted, refused }: { accepted: number; refused: number }): Sums {
  return { accepted, refused, hours: accepted + refused, days: accepted + refused };
}

/** A worker that is told to stop finishes what it does and goes without a fault. */
export async function end(worker: Started): Promise<void> {
  worker.kill('SIGTERM');
  expect((await worker.exited).code).toBe(0);
}
