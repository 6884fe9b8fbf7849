import { type Config, readConfig } from './config.ts';
import { rotateKeyring } from './domain/rotate-keyring.ts';
import type { Log } from './log.ts';
import type { TlsFront } from './process/tls-front.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The words for it, and what the log says of the new state. */
type Reading = { what: string; read: () => object };

/**
 * Reads again, at SIGHUP, what stands in files and may change while the process runs: the TLS
 * certificate, and the peppers. Each is logged. A file that cannot be used changes nothing.
 */
export function readAgain(
  log: Log,
  config: Config,
  tls: TlsFront | undefined,
  env: Environment = process.env,
): void {
  for (const { what, read } of readings(config, tls, env)) {
    try {
      log.info(read(), `the ${what} was read again`);
    } catch (error) {
      log.error({ err: error }, `the ${what} was not read again: the earlier one stays`);
    }
  }
}

function readings(config: Config, tls: TlsFront | undefined, env: Environment): Reading[] {
  const all: Reading[] = [];
  if (tls !== undefined)
    all.push({ what: 'TLS certificate', read: () => ({ expires_at: tls.reload().expiresAt }) });
  if (isSet(env.FLOWPLATE_PEPPERS_FILE))
    all.push({ what: 'keyring', read: () => readPeppersAgain(config, env) });
  return all;
}

function isSet(name: string | undefined): boolean {
  return name !== undefined && name !== '';
}

function readPeppersAgain({ FLOWPLATE_PEPPERS: keyring }: Config, env: Environment) {
  rotateKeyring(keyring, readConfig(env).FLOWPLATE_PEPPERS);
  return { peppers: keyring.map(({ id }) => id) };
}
