import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Stamps } from '../../src/domain/stamp.ts';
import { startOfMinuteMs, type UsageMark } from '../../src/domain/usage.ts';
import { type Database, openDatabase } from '../../src/stores/postgres/database.ts';
import { migrate } from '../../src/stores/postgres/migrate.ts';
import { openPool } from '../../src/stores/postgres/pool.ts';
import { pushFlush, type StampedFlushes } from '../../src/stores/redis/usage-flushes.ts';
import { rollUpUsage } from '../../src/usecases/usage/roll-up-usage.ts';
import { cpuMsOf } from '../load/process-cpu.ts';
import { inWords, number } from '../report/statistics.ts';
import { indexesBefore, rollUpBefore } from '../stage/roll-up-before.ts';
import { seedKeys, seedOrganizations } from '../stage/seed-keys.ts';
import type { Stage } from '../stage/stage.ts';
import { interleave } from './interleave.ts';
import type { Pace, Scenario } from './scenario.ts';

/** Flushes of a process with 24,000 calls a second in ten seconds. */
const flushesPerWindow = 40;
const callsPerFlush = 6_000;

/** Flushes of two seconds: the former batch size. */
const flushesBefore = 8;

export const rollUp: Scenario = {
  name: 'roll-up',
  about: 'lines of counts that a worker adds up in a second, beside how it was done before',
  async run(stage, pace) {
    const before = await openArm(stage, pace, 'before');
    const now = await openArm(stage, pace, 'now');
    await before.client.query(indexesBefore);
    const addBefore = () => rollUpBefore(before.client, before);
    const parts = { db: now.db, redis: now.redis, flushStamps: now.flushStamps, onSetAside: unexpected };
    const addNow = () => rollUpUsage(parts);
    const runs = await interleave(
      stage.otherWork,
      [
        { name: reference, measure: () => measure(before, before.client, addBefore, flushesBefore) },
        {
          name: 'now, the same two seconds at once',
          measure: () => measure(now, now.db, addNow, flushesBefore),
        },
        { name: 'now, ten seconds at once', measure: () => measure(now, now.db, addNow, flushesPerWindow) },
      ],
      pace.rounds,
    );
    const rates = runs.get(reference) ?? [];
    return [
      {
        title: 'Roll-up of counts',
        columns: [
          '',
          'lines per second',
          `÷ ${reference}`,
          'Postgres µs a line',
          'worker µs a line',
          'WAL bytes a line',
        ],
        rows: [...runs].map(([name, results]) => [
          name,
          inWords(results.map(({ perSecond }) => perSecond)),
          inWords(
            results.map(({ perSecond }, round) => perSecond / (rates[round]?.perSecond ?? Number.NaN)),
            2,
          ),
          inWords(
            results.map(({ postgresMicros }) => postgresMicros),
            1,
          ),
          inWords(
            results.map(({ workerMicros }) => workerMicros),
            1,
          ),
          inWords(results.map(({ walBytes }) => walBytes)),
        ]),
        notes: [
          `${flushesPerWindow} flushes of ${number(callsPerFlush)} calls over ${number(pace.keys)} keys drawn evenly, ${pace.rounds} rounds; a line is a key in a flush. Redis is read and parsed in the same process. Each way has a database of its own, and writes rows that are there already.`,
        ],
      },
    ];
  },
};

const reference = 'before, two seconds at once';

type Arm = StampedFlushes & { client: pg.Client; db: Database; sql: pg.Pool; ids: string[] };

async function openArm(stage: Stage, pace: Pace, name: string): Promise<Arm> {
  const databaseUrl = await stage.ownDatabase(`roll_up_${name}`);
  await migrate({ databaseUrl });
  const sql = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  stage.closing.add(name, () => sql.end());
  await seedOrganizations(sql);
  const ids = await seedKeys(
    { sql, keyring: stage.keyring, keysFile: `${stage.keysFile}-${name}` },
    pace.keys,
    name,
  );
  await sql.query('VACUUM ANALYZE');
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  stage.closing.add(name, () => client.end());
  const pool = openPool(
    {
      databaseUrl,
      applicationName: name,
      connectionsMax: 1,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 30_000,
      lockTimeoutMs: 10_000,
    },
    unexpected,
  );
  const db = openDatabase(pool);
  stage.closing.add(name, () => db.destroy());
  const redis = new Redis((await stage.ownRedis()).url);
  stage.closing.add(name, () => redis.disconnect());
  const flushStamps = new Stamps(stage.keyring, 'usage');
  return { client, db, redis, flushStamps, sql, ids };
}

function unexpected(fault: unknown): never {
  throw new Error(`A roll-up that went wrong measures nothing: ${JSON.stringify(fault)}`);
}

type Cost = { perSecond: number; postgresMicros: number; workerMicros: number; walBytes: number };

/** Rolls up all flushes of a window in batches. Filling Redis is not measured. */
async function measure(
  arm: Arm,
  session: pg.Client | Database,
  add: () => Promise<unknown>,
  atOnce: number,
): Promise<Cost> {
  const backend = await backendOf(session);
  const spent = { ms: 0, postgresMs: 0, workerMs: 0, walBytes: 0, lines: 0 };
  for (let flushes = 0; flushes < flushesPerWindow; flushes += atOnce) {
    for (let flush = 0; flush < atOnce; flush++) spent.lines += await push(arm);
    const [startedMs, cpu, backendMs] = [performance.now(), process.cpuUsage(), cpuMsOf(backend)];
    const wal = await walPlace(arm.sql);
    await add();
    spent.ms += performance.now() - startedMs;
    spent.postgresMs += cpuMsOf(backend) - backendMs;
    const { user, system } = process.cpuUsage(cpu);
    spent.workerMs += (user + system) / 1_000;
    spent.walBytes += (await walPlace(arm.sql)) - wal;
  }
  return {
    perSecond: (spent.lines / spent.ms) * 1_000,
    postgresMicros: (spent.postgresMs * 1_000) / spent.lines,
    workerMicros: (spent.workerMs * 1_000) / spent.lines,
    walBytes: spent.walBytes / spent.lines,
  };
}

async function push({ redis, flushStamps, ids }: Arm): Promise<number> {
  const atMs = Date.now();
  const marks = new Map<string, UsageMark>();
  for (let call = 0; call < callsPerFlush; call++) {
    const lineageId = ids[Math.floor(Math.random() * ids.length)] ?? '';
    const { calls } = marks.get(lineageId) ?? { calls: 0 };
    const sums = { calls: calls + 1, cost: calls + 1, firstAtMs: atMs, lastAtMs: atMs };
    marks.set(lineageId, { lineageId, minuteMs: startOfMinuteMs(atMs), code: 'VALID', ...sums });
  }
  await pushFlush({ redis, flushStamps }, { id: randomUUID(), marks: [...marks.values()] });
  return marks.size;
}

async function backendOf(session: pg.Client | Database): Promise<number> {
  if (session instanceof pg.Client) {
    return (await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? 0;
  }
  const query = session.selectNoFrom((expression) => expression.fn<number>('pg_backend_pid', []).as('pid'));
  return (await query.executeTakeFirstOrThrow()).pid;
}

async function walPlace(sql: pg.Pool): Promise<number> {
  const { rows } = await sql.query<{ bytes: number }>(
    `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS bytes`,
  );
  return rows[0]?.bytes ?? 0;
}
