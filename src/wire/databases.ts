import type { Config } from '../config.ts';
import type { PoolOptions } from '../stores/postgres/pool.ts';

type Way = Pick<PoolOptions, 'databaseUrl' | 'sharesSessions'>;
type Urls = Pick<Config, 'DATABASE_URL' | 'DATABASE_DIRECT_URL'>;

/** For requests and jobs: through the pooler, where there is one. */
export function requestDatabase({ DATABASE_URL, DATABASE_DIRECT_URL }: Urls): Way {
  return { databaseUrl: DATABASE_URL, sharesSessions: DATABASE_DIRECT_URL !== undefined };
}

/** For all that needs a session of its own, or must not wait for one: leases and notifications. */
export function directDatabase({ DATABASE_URL, DATABASE_DIRECT_URL }: Urls): Way {
  return { databaseUrl: DATABASE_DIRECT_URL ?? DATABASE_URL };
}
