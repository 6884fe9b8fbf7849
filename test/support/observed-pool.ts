import type { PostgresPool, PostgresPoolClient } from 'kysely';

/**
 * Wraps every statement: may look at it, hold it up before or after it runs, or never let it run.
 */
export type Around = <Result>(text: string, run: () => Promise<Result>) => Promise<Result>;

/** The same pool on the same server; a test stands between it and whoever uses it. */
export function observePool(pool: PostgresPool, around: Around): PostgresPool {
  return { ...pool, connect: async () => observeClient(await pool.connect(), around) };
}

function observeClient(client: PostgresPoolClient, around: Around): PostgresPoolClient {
  const query = (text: string, values: readonly unknown[]) => around(text, () => client.query(text, values));
  return { query, release: () => client.release() } as unknown as PostgresPoolClient;
}
