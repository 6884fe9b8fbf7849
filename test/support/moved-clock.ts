import { query } from './query.ts';

/**
 * A database clock that a test can move: `clock_timestamp()` is looked up in a schema that comes
 * before Postgres' own. Connections that are open already keep the right time.
 */
export async function giveMovableClock(databaseUrl: string): Promise<(byMs: number) => Promise<void>> {
  const database = new URL(databaseUrl).pathname.slice(1);
  await query(
    databaseUrl,
    `CREATE SCHEMA moved;
     CREATE TABLE moved.clock (by interval NOT NULL);
     INSERT INTO moved.clock VALUES ('0');
     CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
       AS $$ SELECT pg_catalog.clock_timestamp() + by FROM moved.clock $$;
     GRANT USAGE ON SCHEMA moved TO PUBLIC;
     GRANT SELECT ON moved.clock TO PUBLIC;
     ALTER TABLE key_changes ALTER committed_at SET DEFAULT moved.clock_timestamp();
     ALTER DATABASE ${database} SET search_path = moved, pg_catalog, public`,
  );
  return async (byMs) => {
    await query(databaseUrl, `UPDATE moved.clock SET by = make_interval(secs => ${byMs / 1_000})`);
  };
}
