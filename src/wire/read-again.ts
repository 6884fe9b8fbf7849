import { type Config, readPeppersAgain } from '../config.ts';
import { rotateKeyring } from '../domain/rotate-keyring.ts';
import type { Log } from '../log.ts';
import type { TlsFront } from '../process/tls-front.ts';

/** Returns what the log says of the new state; undefined for what stands in no file. */
type Reading = { what: string; read: () => object | undefined };

/**
 * Reads again, at SIGHUP, what stands in files and may change while the process runs: the TLS
 * certificate, and the peppers. Each is logged. A file that cannot be used changes nothing.
 */
export function readAgain(log: Log, config: Config, tls: TlsFront | undefined): void {
  const readings: Reading[] = [
    { what: 'TLS certificate', read: () => tls && { expires_at: tls.reload().expiresAt } },
    { what: 'keyring', read: () => readKeyringAgain(config) },
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
