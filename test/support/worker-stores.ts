import { inject } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { Stamps } from '../../src/domain/stamp.ts';
import { keyspace } from '../../src/stores/redis/keyspace.ts';
import { countFlushes, packFlush } from '../../src/stores/redis/usage-flushes.ts';
import { atEnd } from './at-end.ts';
import { cloneDatabase } from './database.ts';
import { deploy } from './deployment.ts';
import { eventually } from './eventually.ts';
import { ownRedis } from './own-stores.ts';
import { query, withConnection } from './query.ts';
import { readyRedis } from './stores.ts';
import { usageFlush, usageMark } from './usage.ts';

/** Stores for workers that a test starts, stops and kills. Ended by `endAll`. */
export async function workerStores() {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redisUrl = (await ownRedis()).current().url;
  const redis = await readyRedis(redisUrl);
  atEnd(() => redis.disconnect());
  const { env, startWorker } = deploy({ databaseUrl: database.url, redisUrl });
  const flushStamps = new Stamps(readConfig(env).FLOWPLATE_PEPPERS, 'usage');
  const sum = async (text: string) => Number((await query(database.url, text))[0]?.sum ?? 0);
  return {
    databaseUrl: database.url,
    redisUrl,
    redis,
    flushStamps,
    startWorker,
    /** For an administrator's script. */
    env,
    /** Flushes of one call each with the same time, so that one run rolls up all. */
    async push(lineageId: string, count: number): Promise<void> {
      const pushing = redis.multi();
      for (let call = 0; call < count; call++) {
        const flush = usageFlush(usageMark(lineageId, new Date().toISOString()));
        pushing.hset(keyspace.usageFlushes, flush.id, packFlush(flushStamps, flush));
      }
      await pushing.exec();
    },
    waiting: () => countFlushes(redis),
    counted: (lineageId: string) =>
      sum(`SELECT sum(accepted) AS sum FROM usage_totals WHERE lineage_id = '${lineageId}'`),
    rolledUp: () => sum('SELECT count(*) AS sum FROM usage_flushes'),
    connected: () =>
      sum(`SELECT count(*) AS sum FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'flowplate-worker'`),
    /**
     * Blocks roll-ups before their last statement: `arrange` creates work, and `act` runs while one
     * waits there.
     */
    async whileRollUpWaits<Arranged>(
      arrange: () => Promise<Arranged>,
      act: (arranged: Arranged) => Promise<void>,
    ): Promise<Arranged> {
      return withConnection(database.url, async (client) => {
        await client.query('BEGIN');
        await client.query('LOCK TABLE usage_totals IN EXCLUSIVE MODE');
        const arranged = await arrange();
        const blocked = `SELECT count(*) AS sum FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'flowplate-worker' AND wait_event_type = 'Lock'`;
        await eventually(
          10_000,
          () => sum(blocked),
          (count) => count > 0,
        );
        await act(arranged);
        await client.query('ROLLBACK');
        return arranged;
      });
    },
  };
}
