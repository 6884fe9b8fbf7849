import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, inject } from 'vitest';
import { type EmbeddedPostgres, startPostgres } from '../../scripts/services/postgres.ts';
import { runCommand } from '../../scripts/services/run-command.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { backUp } from '../support/backup.ts';
import { type DroppingProxy, startDroppingProxy } from '../support/dropping-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-stores.ts';
import { query } from '../support/query.ts';
import { quietPort } from '../support/quiet-port.ts';
import { freshRedis } from '../support/redis.ts';
import { type Fleet, leaseMs, newFleet } from './fleet.ts';
import { prove } from './run.ts';
import { withoutConfirmation } from './without.ts';

/** A primary with a synchronous standby, and the address at which both are reached. */
type Cluster = {
  primary: OwnPostgres;
  standby: EmbeddedPostgres;
  standbyUrl: string;
  address: DroppingProxy;
  replication: DroppingProxy;
  fleet: Fleet;
};

let safe: Cluster;
let control: Cluster;

beforeAll(async () => {
  [safe, control] = await Promise.all([newCluster(), newCluster()]);
}, 120_000);

afterAll(endAll);

prove(
  'when the primary is replaced while it lives on',
  {
    // Straight at the primary that is replaced, whatever the address leads to.
    joining: [
      (members, source) =>
        members.add({ source, env: { DATABASE_URL: clusterOf(members).primary.databaseUrl } }),
    ],
    async inflict(load, joined) {
      load.spare(joined);
      await failOver(clusterOf(load.fleet));
      await sleep(1.1 * leaseMs);
      await load.endWitnesses();
      await load.untilCertain();
      await load.askForWitnesses(500);
      await sleep(500);
    },
  },
  { fleet: () => safe.fleet },
  { fleet: () => control.fleet, without: 'the commit that ends a read', edits: withoutConfirmation },
);

function clusterOf(fleet: Fleet): Cluster {
  return fleet === safe.fleet ? safe : control;
}

async function newCluster(): Promise<Cluster> {
  const primary = await ownPostgres();
  const replication = await startDroppingProxy(primary.current().port);
  const standby = await startStandby(primary, replication);
  await query(primary.adminUrl, "ALTER SYSTEM SET synchronous_standby_names = '*'");
  await query(primary.adminUrl, 'SELECT pg_reload_conf()');
  await eventually(
    20_000,
    () => query(primary.adminUrl, 'SELECT sync_state FROM pg_stat_replication'),
    ([row]) => row?.sync_state === 'sync',
  );
  const address = await startDroppingProxy(primary.current().port);
  const { url: redisUrl } = await freshRedis(inject('redisUrl'));
  const fleet = newFleet({ databaseUrl: address.through(primary.databaseUrl), redisUrl });
  await fleet.add();
  await fleet.add();
  const standbyUrl = new URL(primary.adminUrl);
  standbyUrl.port = String(standby.port);
  return { primary, standby, standbyUrl: standbyUrl.href, address, replication, fleet };
}

/** From a backup of the primary, which it follows through the proxy. */
async function startStandby(primary: OwnPostgres, replication: DroppingProxy): Promise<EmbeddedPostgres> {
  await backUp(primary);
  const dataDir = `${primary.directory}-backup`;
  await writeFile(join(dataDir, 'standby.signal'), '');
  await runCommand(['cp', '-a', `${primary.directory}.password`, `${dataDir}.password`]);
  atEnd(() => rm(`${dataDir}.password`, { force: true }));
  const followed = new URL(replication.through(primary.current().url));
  const conninfo = `host=${followed.hostname} port=${followed.port} user=${followed.username} password=${followed.password}`;
  const settings = { shared_buffers: '32MB', primary_conninfo: conninfo };
  const standby = await startPostgres({ dataDir, port: await quietPort(), settings });
  atEnd(() => standby.stop());
  return standby;
}

/** As a cluster manager that cannot reach the old primary: it promotes, and moves the address. */
async function failOver({ standby, standbyUrl, address, replication }: Cluster): Promise<void> {
  replication.drop();
  await query(standbyUrl, "ALTER SYSTEM SET synchronous_standby_names = ''");
  await query(standbyUrl, 'SELECT pg_promote()');
  address.leadTo(standby.port);
}
