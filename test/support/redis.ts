import { Redis } from 'ioredis';

// `databases` of scripts/services/redis.ts without number 0, which is the counter.
const LOGICAL_DATABASES = 1023;

export interface FreshRedis {
  /** A logical database that no other test uses at the same time. */
  url: string;
  flush(): Promise<void>;
}

/** An empty logical database, unique across worker processes by a counter in Redis. */
export async function freshRedis(redisUrl: string): Promise<FreshRedis> {
  const allocated = await withClient(redisUrl, (client) => client.incr('flowplate:test:allocated'));
  const url = new URL(redisUrl);
  url.pathname = `/${((allocated - 1) % LOGICAL_DATABASES) + 1}`;
  const flush = () => withClient(url.href, async (client) => void (await client.flushdb()));
  await flush();
  return { url: url.href, flush };
}

async function withClient<Result>(url: string, use: (client: Redis) => Promise<Result>): Promise<Result> {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1 });
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    client.disconnect();
  }
}
