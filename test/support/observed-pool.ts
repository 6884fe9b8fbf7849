import type { PostgresPool, PostgresPoolClient } from 'kysely';

/** Wraps every statement: may observe, delay or drop it. */
export type Around = <Result>(text: string, run: () => Promise<Result>) => Promise<Result>;

/** The same pool with a wrapper around its statements. */
export function observePool(pool: PostgresPool, around: Around): PostgresPool {
  return { ...pool, connect: async () => observeClient(await pool.connect(), around) };
}

function observeClient(client: PostgresPoolClient, around: Around): PostgresPoolClient {
  const query = (text: string, values: readonly unknown[]) => around(text, () => client.query(text, values));
  return { query, release: () => client.release() } as unknown as PostgresPoolClient;
}
