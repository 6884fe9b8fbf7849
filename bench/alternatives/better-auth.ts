import { apiKey, defaultKeyHasher } from '@better-auth/api-key';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import pg from 'pg';
import type { Verify } from './serve.ts';

const keysPerBatch = 10_000;

/**
 * better-auth's plugin on Postgres with its defaults, which count each verification in the key's
 * row. Only its limit of 10 requests a day is lifted.
 */
export async function betterAuthVerify(env: NodeJS.ProcessEnv, keys: readonly string[]): Promise<Verify> {
  const pool = new pg.Pool({ connectionString: env.DATABASE_URL, max: Number(env.POOL_SIZE) });
  const options = {
    baseURL: 'http://127.0.0.1',
    secret: 'a secret that only this benchmark has',
    database: pool,
    telemetry: { enabled: false },
    logger: { disabled: true },
    plugins: [apiKey({ rateLimit: { enabled: true, timeWindow: 86_400_000, maxRequests: 1_000_000_000 } })],
  };
  await (await getMigrations(options)).runMigrations();
  for (let start = 0; start < keys.length; start += keysPerBatch) {
    await store(pool, keys.slice(start, start + keysPerBatch), start);
  }
  await pool.query('VACUUM ANALYZE apikey');
  const auth = betterAuth(options);
  return (key) => auth.api.verifyApiKey({ body: { key } });
}

/** Bulk version of `createApiKey`. */
async function store(pool: pg.Pool, keys: readonly string[], start: number): Promise<void> {
  const digests = await Promise.all(keys.map(defaultKeyHasher));
  await pool.query(
    `INSERT INTO apikey (id, "configId", start, "referenceId", key, enabled, "rateLimitEnabled", "rateLimitTimeWindow",
       "rateLimitMax", "requestCount", "createdAt", "updatedAt")
     SELECT 'key_' || (n + $2), 'default', 'fl_use', 'user_' || (n + $2), digest, true, true, 86400000, 1000000000, 0, now(), now()
     FROM unnest($1::text[]) WITH ORDINALITY AS row (digest, n)`,
    [digests, start],
  );
}
