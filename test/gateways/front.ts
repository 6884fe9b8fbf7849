import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import type { MasterKeyPermission } from '../../src/domain/permission.ts';
import { atEnd } from '../support/at-end.ts';
import { startReplica, type TestBroker } from '../support/broker.ts';
import { cloneDatabase } from '../support/database.ts';
import { startLocalVerifier } from '../support/local-verifier.ts';
import { quietPort } from '../support/quiet-port.ts';
import { freshRedis } from '../support/redis.ts';
import { openLink } from './link.ts';

/** What a gateway asks: the API over TCP, or a local verifier on its socket. */
export type Front = {
  name: string;
  /** Of the master key. */
  permissions: MasterKeyPermission[];
  /** Where a gateway with this master key asks: a port of this machine, or the path of a socket. */
  open(broker: TestBroker, masterKey: string): Promise<number | string>;
  /** The same, and nothing can be decided there, now or soon. */
  openUndecided(): Promise<number | string>;
  /** For a request without a key, when nothing can be decided. */
  undecidedWithoutKey: 401 | 503;
};

/** The API cannot tell then whether the gateway is one. */
const api: Front = {
  name: 'the API',
  permissions: ['keys:verify'],
  open: async ({ url }) => portOf(url),
  openUndecided: startUndecidedBroker,
  undecidedWithoutKey: 503,
};

/** The local verifier knows its gateway by the socket. */
const localVerifier: Front = {
  name: 'the local verifier',
  permissions: ['keys:verify', 'keys:verify:embedded'],
  open: async ({ url }, masterKey) => (await startLocalVerifier({ brokers: [url], masterKey })).socketPath,
  openUndecided: async () => {
    const away = `http://127.0.0.1:${await quietPort()}`;
    const masterKey = newSecret('master', 'test', randomBytes);
    return (await startLocalVerifier({ brokers: [away], masterKey })).socketPath;
  },
  undecidedWithoutKey: 401,
};

export const fronts: readonly Front[] = [api, localVerifier];

/**
 * Not from memory: its lease ends seconds after its Postgres is gone, and from then on it says 503.
 */
async function startUndecidedBroker(): Promise<number> {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const way = await openLink(portOf(database.url));
  const databaseUrl = new URL(database.url);
  databaseUrl.port = String(way.at);
  const broker = await startReplica({
    DATABASE_URL: databaseUrl.href,
    REDIS_URL: (await freshRedis(inject('redisUrl'))).url,
    FLOWPLATE_PEPPERS: `p1:${randomBytes(32).toString('base64url')}`,
    FLOWPLATE_ENV: 'test',
    LEASE_MS: '3000',
    DRAIN_MS: '0',
    UNSAFE_POSTGRES: 'allow',
  });
  atEnd(() => broker.close());
  await way.become('closed');
  return portOf(broker.url);
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
