import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Stamps } from '../../src/domain/stamp.ts';
import { startOfMinuteMs } from '../../src/domain/usage.ts';
import { type Database, openDatabase } from '../../src/stores/postgres/database.ts';
import { openPool } from '../../src/stores/postgres/pool.ts';
import { pushFlush } from '../../src/stores/redis/usage-flushes.ts';
import { rollUpUsage } from '../../src/usecases/usage/roll-up-usage.ts';
import { expireDueKeys } from '../../src/usecases/user-keys/expire-due-keys.ts';
import type { LoadResult, Target } from '../load/jobs.ts';
import type { RequestPlan } from '../load/request-source.ts';
import { bearer, callersAtOnce, callMany, quantile } from '../load/timed-calls.ts';
import { number } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import { newOperator } from '../stage/operator-keys.ts';
import { seedManyKeys } from '../stage/seed-many-keys.ts';
import type { Stage } from '../stage/stage.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

const coldKeys = 20_000;
const revokes = 200;
const listCalls = 60;
const flushes = 20;
const linesPerFlush = 5_000;
const dueKeys = 20_000;

export const scale: Scenario = {
  name: 'scale',
  about:
    'bytes of a user key in Postgres, and mint, verify, revoke, lists, roll-up and sweep among very many',
  async run(stage, pace) {
    await seedManyKeys(stage.sql, pace.manyKeys);
    return measureScale(stage, pace);
  },
};

/** The same among the keys that are there. */
async function measureScale(stage: Stage, pace: Pace): Promise<Table[]> {
  const { count, heap, indexes } = await readSizes(stage);
  const title = `Among ${number(count)} user keys`;
  const api = await stage.startApi('api', { RECORDS_IN_MEMORY_MAX: '0' });
  const bytes = [['bytes a key: row, its indexes', `${number(heap)}, ${number(indexes)}`]];
  const calls = await measureCalls(stage, api, pace);
  const work = await measureWork(stage);
  const notes = [
    `Filler keys have users in any order, 100 organizations and three environments, one of them with a key in a thousand. Mint and verify: ${connections} callers at once; verify without memory and Redis, each key once. Revoke: one at a time. Roll-up: ${flushes} flushes of ${number(linesPerFlush)} different keys.`,
  ];
  return [
    { title, columns: ['', ''], rows: [...bytes, ...calls, ...work], notes },
    await measureLists(stage, api, title),
  ];
}

async function readSizes({ sql }: Stage): Promise<{ count: number; heap: number; indexes: number }> {
  const { rows } = await sql.query(
    `SELECT count(*)::float8 AS count, (pg_relation_size('api_keys') / count(*))::float8 AS heap,
       (pg_indexes_size('api_keys') / count(*))::float8 AS indexes FROM api_keys`,
  );
  return rows[0];
}

async function measureCalls(stage: Stage, api: Target, pace: Pace): Promise<string[][]> {
  const { masterKey } = stage;
  const cold = join(stage.directory, 'cold-keys');
  await stage.seedKeys(coldKeys, 'cold', cold);
  const keyIds = await stage.seedKeys(revokes, 'revoked', join(stage.directory, 'revoked-keys'));
  await stage.sql.query('VACUUM ANALYZE api_keys');
  const run = (plan: RequestPlan, atOnce: number, until: { forMs: number } | { answers: number }) =>
    stage.load.run({
      kind: 'closed loop',
      target: api,
      connections: atOnce,
      plan,
      polls: false,
      warmUp: { answers: 20 },
      until,
    });
  const forMs = 3 * pace.windowMs;
  const keys = { masterKey, keysFile: cold, count: coldKeys, draw: 'once' } as const;
  const verified = await run({ kind: 'verify', ...keys }, connections, { answers: coldKeys / 2 });
  const minted = await run({ kind: 'mint', masterKey, organizations: 100, label: 'scale' }, connections, {
    forMs,
  });
  const revoked = await run({ kind: 'revoke', masterKey, keyIds }, 1, { answers: revokes - 20 });
  return [
    ['verify, cold', inWords(verified)],
    ['mint', inWords(minted)],
    ['revoke', inWords(revoked)],
  ];
}

function inWords({ perSecond, p50Ms, p99Ms }: LoadResult): string {
  return `${number(perSecond)} a second, p50 ${number(p50Ms, 1)} ms, p99 ${number(p99Ms, 1)} ms`;
}

async function measureWork(stage: Stage): Promise<string[][]> {
  const pool = openPool(
    {
      databaseUrl: stage.databaseUrl,
      applicationName: 'scale',
      connectionsMax: 2,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 60_000,
      lockTimeoutMs: 10_000,
    },
    (error) => console.error(String(error)),
  );
  const db = openDatabase(pool);
  stage.closing.add('scale', () => db.destroy());
  return [
    ['roll-up', await measureRollUp(stage, db)],
    ['sweep', await measureSweep(stage, db)],
  ];
}

async function measureRollUp({ sql, redis, keyring }: Stage, db: Database): Promise<string> {
  const flushStamps = new Stamps(keyring, 'usage');
  const { rows } = await sql.query<{ id: string }>(
    `SELECT id FROM api_keys TABLESAMPLE SYSTEM (5) WHERE kind = 'user' LIMIT ${flushes * linesPerFlush}`,
  );
  const minuteMs = startOfMinuteMs(Date.now());
  for (let flush = 0; flush < flushes; flush++) {
    const marks = rows
      .filter((_, index) => index % flushes === flush)
      .map(({ id }) => ({
        lineageId: id,
        minuteMs,
        code: 'VALID' as const,
        calls: 1,
        cost: 1,
        firstAtMs: minuteMs,
        lastAtMs: minuteMs,
      }));
    await pushFlush({ redis, flushStamps }, { id: randomUUID(), marks });
  }
  const startedMs = performance.now();
  await rollUpUsage({
    db,
    redis,
    flushStamps,
    onSetAside: (fault) => {
      throw new Error(JSON.stringify(fault));
    },
  });
  return `${number((rows.length / (performance.now() - startedMs)) * 1_000)} lines a second`;
}

async function measureSweep({ sql }: Stage, db: Database): Promise<string> {
  await sql.query(
    `UPDATE api_keys SET expires_at = now() - interval '1 hour'
     WHERE id IN (SELECT id FROM api_keys WHERE kind = 'user' AND status = 'active' LIMIT ${dueKeys})`,
  );
  const startedMs = performance.now();
  const ended = await expireDueKeys({ db, randomBytes });
  return `${number((ended / (performance.now() - startedMs)) * 1_000)} keys a second`;
}

async function measureLists(stage: Stage, api: Target, title: string): Promise<Table> {
  const { sql } = stage;
  const address = `http://127.0.0.1:${api.port}/api/v1/platform/hidden-keys`;
  const credential = bearer(await newOperator(stage));
  const { rows: some } = await sql.query<{ user_id: string; key_prefix: string }>(
    `SELECT user_id, key_prefix FROM api_keys WHERE user_id LIKE 'user\\_%' LIMIT 1`,
  );
  const { user_id: user = '', key_prefix: prefix = '' } = some[0] ?? {};
  const asked: [string, string][] = [
    ['everything', ''],
    ['one user', `user_id=${user}`],
    ['one organization', 'organization_id=org_7'],
    ['a common environment', 'environment=prod'],
    ['a rare environment', 'environment=rare'],
    ['a common environment of an organization', 'organization_id=org_7&environment=dev'],
    ['a rare environment of an organization', 'organization_id=org_7&environment=rare'],
    ['an environment that has no key', 'organization_id=org_7&environment=nowhere'],
    ['revoked', 'status=revoked'],
    ['revoked, of an organization', 'status=revoked&organization_id=org_7'],
    ['disabled (none)', 'status=disabled'],
    ['prefix, one', `prefix=${prefix}`],
    ['prefix, none', 'prefix=fl_user_prod_zzzz'],
  ];
  const rows: string[][] = [];
  for (const [label, query] of asked) {
    const url = () => `${address}?${query}`;
    await callMany(url, credential, callersAtOnce);
    const calls = await callMany(url, credential, listCalls);
    rows.push([label, ...[0.5, 0.99].map((part) => quantile(calls, part).toFixed(1))]);
  }
  return {
    title: `Lists ${title.toLowerCase()}`,
    columns: ['asked', 'p50 ms', 'p99 ms'],
    rows,
    notes: [`${callersAtOnce} callers at once, ${listCalls} calls each row, pages of 50.`],
  };
}
