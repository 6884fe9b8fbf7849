import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { FairBulkhead } from '../../src/concurrency/fair-bulkhead.ts';
import { KeyedQueue } from '../../src/concurrency/keyed-queue.ts';
import { type Config, readConfigOrExit } from '../../src/config.ts';
import type { Origin } from '../../src/domain/audit-event.ts';
import { FlowplateError } from '../../src/domain/errors.ts';
import { PropagationWatch } from '../../src/revocation/propagation-watch.ts';
import { openDatabase } from '../../src/stores/postgres/database.ts';
import { openPool } from '../../src/stores/postgres/pool.ts';
import { readServerTime } from '../../src/stores/postgres/server-time.ts';
import { directDatabase } from '../../src/wire/databases.ts';
import { journalStores } from '../../src/wire/journal-stores.ts';

/**
 * Dependencies of an administrator's script: the API's own use cases, on behalf of the person at
 * the shell.
 */
export async function openBroker(config: Config) {
  const db = openDatabase(
    openPool(
      {
        ...directDatabase(config),
        applicationName: 'flowplate-admin',
        connectionsMax: 2,
        connectTimeoutMs: 5_000,
        statementTimeoutMs: 10_000,
        lockTimeoutMs: 5_000,
      },
      () => undefined,
    ),
  );
  const startedAt = await readServerTime(db);
  const origin: Origin = { actor: { kind: 'shell', id: userInfo().username }, requestId: null };
  return {
    db,
    origin,
    clock: { now: () => startedAt, earliest: () => startedAt },
    randomBytes,
    keyring: config.FLOWPLATE_PEPPERS,
    environment: config.FLOWPLATE_ENV,
    firstMasterKey: config.FLOWPLATE_MASTER_KEY,
    journalStores: journalStores(config),
    turns: new KeyedQueue(),
    connections: new FairBulkhead({ runningMax: 2, waitingMax: 5_000, refusal: 'OVERLOADED' }),
    propagation: new PropagationWatch(db, config.LEASE_MS),
    close: () => db.destroy(),
  };
}

export type Broker = Awaited<ReturnType<typeof openBroker>>;

/** Runs one command and exits with 0, with 1 on a refusal, or with 2 on invalid arguments. */
export async function runAdmin(
  command: ((broker: Broker) => Promise<void>) | undefined,
  usage: string,
): Promise<void> {
  if (command === undefined) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const broker = await openBroker(readConfigOrExit());
  try {
    await command(broker);
  } catch (error) {
    if (!(error instanceof FlowplateError)) throw error;
    console.error(
      `Refused: ${error.code}${error.systemMessage === undefined ? '' : ` (${error.systemMessage})`}`,
    );
    process.exitCode = 1;
  } finally {
    await broker.close();
  }
}
