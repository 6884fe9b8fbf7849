import { type Config, readPeppersAgain, readRedisUrlsAgain } from '../config.ts';
import { rotateKeyring } from '../domain/rotate-keyring.ts';
import type { Log } from '../log.ts';
import type { TlsFront } from '../process/tls-front.ts';
import type { RedisClient } from '../stores/redis/client.ts';
import { renewLogin } from '../stores/redis/renew-login.ts';
import { mainRedis, queueRedis } from './redis-connections.ts';

/** Connections by the URL that they were opened with. */
export type RedisClients = { main: readonly RedisClient[]; queue: readonly RedisClient[] };

/** Returns what the log says of the new state; undefined for what stands in no file. */
type Reading = { what: string; read: () => object | undefined };

/**
 * Reads again, at SIGHUP, what stands in files and may change while the process runs: the TLS
 * certificate, the peppers, and how it logs in at Redis. Each is logged. A file that cannot be used
 * changes nothing.
 */
export function readAgain(
  log: Log,
  config: Config,
  { tls, redis }: { tls: TlsFront | undefined; redis: RedisClients },
): void {
  const readings: Reading[] = [
    { what: 'TLS certificate', read: () => tls && { expires_at: tls.reload().expiresAt } },
    { what: 'keyring', read: () => readKeyringAgain(config) },
    { what: 'login at Redis', read: () => readRedisLoginsAgain(config, redis) },
  ];
  for (const { what, read } of readings) {
    try {
      const said = read();
      if (said !== undefined) log.info(said, `the ${what} was read again`);
    } catch (error) {
      log.error({ err: error }, `the ${what} was not read again: the earlier one stays`);
    }
  }
}

function readKeyringAgain({ FLOWPLATE_PEPPERS: keyring }: Config): object | undefined {
  const next = readPeppersAgain();
  if (next === undefined) return undefined;
  rotateKeyring(keyring, next);
  return { peppers: keyring.map(({ id }) => id) };
}

function readRedisLoginsAgain(config: Config, { main, queue }: RedisClients): object | undefined {
  const urls = readRedisUrlsAgain();
  if (urls === undefined) return undefined;
  const next = { ...config, ...urls };
  for (const client of main)
    renewLogin(client, { from: mainRedis(config).redisUrl, to: mainRedis(next).redisUrl });
  for (const client of queue)
    renewLogin(client, { from: queueRedis(config).redisUrl, to: queueRedis(next).redisUrl });
  return {};
}
