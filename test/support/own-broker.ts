import { randomBytes } from 'node:crypto';
import { startReplica, type TestBroker } from './broker.ts';
import { type OwnPostgres, type OwnServer, ownPostgres, ownRedis } from './own-stores.ts';

export type OwnBroker = { postgres: OwnPostgres; redis: OwnServer<{ url: string }>; broker: TestBroker };

/** A broker in this process on stores of its own, which may be frozen and killed. */
export async function startOwnBroker(env: Record<string, string> = {}): Promise<OwnBroker> {
  const [postgres, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  const broker = await startReplica({
    DATABASE_URL: postgres.databaseUrl,
    REDIS_URL: redis.current().url,
    FLOWPLATE_PEPPERS: `p1:${randomBytes(32).toString('base64url')}`,
    FLOWPLATE_ENV: 'test',
    DRAIN_MS: '0',
    ...env,
  });
  return { postgres, redis, broker };
}
