import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type pg from 'pg';
import type { EmbeddedRedis } from '../../scripts/services/redis.ts';
import type { MoodyReceiver } from './moody-receiver.ts';
import type { BenchServer } from './server.ts';

/** Parts that faults hit. A killed worker or Redis is replaced by its successor. */
export type Victims = {
  sql: pg.Pool;
  receiver: MoodyReceiver;
  worker: BenchServer;
  redis: EmbeddedRedis;
  startWorker(): Promise<BenchServer>;
  startRedis(): Promise<EmbeddedRedis>;
};

/** Answers when the fault is over, as far as anybody outside can tell. */
export type Fault = { name: string; happen(victims: Victims): Promise<void> };

const awayMs = 5_000;
/** Steady changes send requests every second or two. */
const momentMsMax = 10_000;

/** In the order of their rotation. */
export const deliveryFaults: readonly Fault[] = [
  {
    name: 'worker killed while an endpoint has not answered',
    happen: (victims) => killWorker(victims, victims.receiver.nextRequest()),
  },
  {
    name: 'Redis emptied',
    async happen({ redis }) {
      const client = new Redis(redis.url);
      await client.flushall();
      client.disconnect();
    },
  },
  {
    name: 'sessions of Postgres ended',
    async happen({ sql }) {
      await sql.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'flowplate-%'`,
      );
    },
  },
  {
    name: 'worker killed when an endpoint has answered',
    happen: (victims) => killWorker(victims, victims.receiver.nextAnswer()),
  },
  {
    name: 'Redis killed, back empty after 5 s',
    async happen(victims) {
      victims.redis.kill('SIGKILL');
      await victims.redis.exited;
      await sleep(awayMs);
      victims.redis = await victims.startRedis();
    },
  },
  {
    name: 'receiver away for 5 s',
    async happen({ receiver }) {
      await receiver.goAway();
      await sleep(awayMs);
      await receiver.comeBack();
    },
  },
  {
    name: 'Redis hangs for 5 s',
    async happen({ redis }) {
      redis.kill('SIGSTOP');
      await sleep(awayMs);
      redis.kill('SIGCONT');
    },
  },
];

async function killWorker(victims: Victims, moment: Promise<void>): Promise<void> {
  await Promise.race([moment, sleep(momentMsMax)]);
  await victims.worker.kill();
  victims.worker = await victims.startWorker();
}
