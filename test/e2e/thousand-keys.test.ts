import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { deploy, type StartedApi } from '../support/deployment.ts';
import { within } from '../support/eventually.ts';
import { insisting } from '../support/insist.ts';
import { type KeyCalls, keyCalls } from '../support/key-calls.ts';
import { query } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';

const keyCount = 1_000;
const callersAtOnce = 8;
const readableMsMax = 10_000;

let databaseUrl: string;
let api: StartedApi;
let keys: KeyCalls;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  const redis = await freshRedis(inject('redisUrl'));
  const deployment = deploy({ databaseUrl, redisUrl: redis.url });
  [api] = await Promise.all([deployment.startApi(), deployment.startWorker()]);
  // As a backend calls: told that Postgres is busy, it comes back.
  keys = keyCalls(insisting(api.call));
});

afterAll(endAll);

/** The verdicts that one line of keys got, by code. */
type Calls = Record<string, number>;

test('a thousand keys are minted, verified, refreshed and revoked over HTTP, and every call is counted', async () => {
  const lines = new Map<string, Calls>();
  await eachOf(keyCount, async (index) => {
    const { keyId, calls } = await liveThrough(index);
    lines.set(keyId, calls);
  });
  expect(lines.size).toBe(keyCount);
  const total = [...lines.values()].flatMap(Object.values).reduce((sum: number, count) => sum + count, 0);
  await within(readableMsMax, countInPostgres, (counted) => counted >= total);

  expect(await callsInPostgres()).toEqual(lines);
  await eachOf(keyCount, async (index) => {
    const [keyId, calls] = [...lines][index] as [string, Calls];
    const { VALID: requests = 0, ...refusals } = calls;
    const refused = Object.values(refusals).reduce((sum, count) => sum + count, 0);
    const usage = await insisting(api.call)(`GET /v1/flowplate/api-keys/${keyId}/usage`);
    expect(usage.body.totals).toEqual({ requests, cost: requests, refused, refusals });
    const shown = await keys.show(keyId);
    expect(shown.usage).toMatchObject({ total_requests: requests, refused_requests: refused });
  });
}, 600_000);

/** Every tenth key has a limit of two calls, every fifth is refreshed, every fourth revoked. */
async function liveThrough(index: number): Promise<{ keyId: string; calls: Calls }> {
  const isLimited = index % 10 === 0;
  const limit = { rate_limit: { limit: 2, window_seconds: 3_600 } };
  const minted = await keys.mint({ scopes: ['read'], ...(isLimited && limit) });
  const calls: Calls = {};
  const expectCode = async (key: string, expected: string, scope = 'read') => {
    const { code } = (await keys.verify(key, { scopes: [scope] })).body;
    expect(code).toBe(expected);
    calls[code] = (calls[code] ?? 0) + 1;
  };
  await expectCode(minted.key, 'VALID');
  await expectCode(minted.key, 'INSUFFICIENT_SCOPE', 'write');
  await expectCode(minted.key, 'VALID');
  await expectCode(minted.key, isLimited ? 'RATE_LIMITED' : 'VALID');
  // Calls with unknown keys, which are not counted for any key.
  expect(await keys.codeOf(`${minted.key}x`)).toBe('MALFORMED');
  if (index % 10 === 5) expect(await keys.codeOf(newSecret('user', 'test', randomBytes))).toBe('NOT_FOUND');
  let { key } = minted;
  if (index % 5 === 0) {
    key = (await keys.refresh(minted.userId)).new_key.key;
    await expectCode(minted.key, 'REVOKED');
    // Settings and what is spent carry over.
    await expectCode(key, isLimited ? 'RATE_LIMITED' : 'VALID');
  }
  if (index % 4 === 0) {
    expect(await keys.revoke(minted.userId)).toMatchObject({ revoked_count: 1, propagation: 'complete' });
    await expectCode(key, 'REVOKED');
  }
  return { keyId: minted.keyId, calls };
}

async function eachOf(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: callersAtOnce }, worker));
}

async function countInPostgres(): Promise<number> {
  const [row] = await query(
    databaseUrl,
    'SELECT coalesce(sum(accepted + refused), 0)::int AS count FROM usage_totals',
  );
  return row?.count;
}

async function callsInPostgres(): Promise<Map<string, Calls>> {
  const rows = await query(
    databaseUrl,
    `SELECT lineage_id, json_object_agg(code, calls) AS calls
     FROM (SELECT lineage_id, code, sum(calls)::int AS calls FROM usage_days GROUP BY 1, 2) GROUP BY 1`,
  );
  return new Map(rows.map((row) => [row.lineage_id, row.calls]));
}
