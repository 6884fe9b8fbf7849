import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, inject } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type DroppingProxy, startDroppingProxy } from '../support/dropping-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { query } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';
import { type Fleet, leaseMs, type Member, newFleet } from './fleet.ts';
import { prove, type Source } from './run.ts';
import { holdAt, stopAt } from './stop-points.ts';
import { heartbeat, start, without } from './without.ts';

let databaseUrl: string;
let fleet: Fleet;
let broker: Member;
let wayToBroker: DroppingProxy;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  const redis = await freshRedis(inject('redisUrl'));
  fleet = newFleet({ databaseUrl, redisUrl: redis.url });
  broker = await fleet.add();
  await Promise.all([fleet.add(), fleet.embed(broker.url), fleet.stand(broker.url)]);
  wayToBroker = await startDroppingProxy(Number(new URL(broker.url).port));
}, 60_000);

afterAll(endAll);

const safe = { fleet: () => fleet };

prove(
  'when a process, a gateway and a local verifier are stopped past their leases and go on',
  {
    joining: [
      (members, source) => members.add({ source }),
      (members, source) => members.embed(broker.url, source),
      (members, source) => members.stand(broker.url, source),
    ],
    async inflict(load, joined) {
      load.spare(joined);
      for (const member of joined) member.kill('SIGSTOP');
      const lapsed = sleep(1.1 * leaseMs);
      await load.endWitnesses();
      await lapsed;
      await load.untilCertain();
      await load.askForWitnesses();
      for (const member of joined) member.kill('SIGCONT');
      await sleep(500);
    },
  },
  safe,
  { ...safe, without: 'the end of a lease', edits: without.lapsing },
);

prove(
  'when a gateway and a local verifier are cut off from their broker',
  {
    joining: [
      (members, source) => members.embed(wayToBroker.through(broker.url), source),
      (members, source) => members.stand(wayToBroker.through(broker.url), source),
    ],
    async inflict(load, joined) {
      load.spare(joined);
      wayToBroker.drop();
      const lapsed = sleep(1.1 * leaseMs);
      await load.endWitnesses();
      await lapsed;
      await load.untilCertain();
      await load.askForWitnesses(500);
      wayToBroker.restore();
      await sleep(500);
    },
  },
  safe,
  { ...safe, without: 'the end of a lease', edits: without.lapsing },
);

const steps = ['extend', 'read'] as const;
const directories = steps.map(stopDirectory);

prove(
  'when processes are stopped past their leases between the steps of a heartbeat',
  {
    joining: directories.map(
      (directory) => (members: Fleet, source: Source) =>
        members.add({ source, env: { STOP_DIRECTORY: directory } }),
    ),
    async inflict(load, joined) {
      load.spare(joined);
      // Nothing wakes a process that does not listen: it is left to its heartbeat.
      await query(databaseUrl, endListeners);
      const stopping = steps.map((step, index) => stopAt(directories[index] as string, step));
      const goOn = await Promise.all(stopping);
      const releasing = await Promise.all(directories.map((directory) => holdAt(directory, 'read')));
      const lapsed = sleep(1.1 * leaseMs);
      await load.endWitnesses();
      await lapsed;
      await load.untilCertain();
      await load.rest(async () => {
        for (const resume of goOn) resume();
        await load.askForWitnesses(500);
      });
      await Promise.all(releasing.map((release) => release()));
      await load.askForWitnesses();
    },
  },
  { ...safe, edits: heartbeat.inOrder },
  {
    ...safe,
    without: 'extending before reading and counting from before both',
    edits: heartbeat.outOfOrder,
  },
);

prove(
  'when a process is stopped while it starts',
  {
    async inflict(load, _, source) {
      const directory = stopDirectory();
      const { starting, goOn } = await load.rest(async () => {
        const stopping = stopAt(directory, 'loaded');
        const env = { STOP_DIRECTORY: directory };
        const starting = fleet.add({ source, env, withinMs: 60_000 });
        return { starting, goOn: await Promise.race([stopping, starting.then(neverStopped)]) };
      });
      await load.endWitnesses();
      goOn();
      const late = await load.rest(() => starting);
      // Before that it asks Postgres, and knows everything.
      await load.rest(() => untilLeaseIsHeld(late));
      await load.untilCertain();
      await load.askForWitnesses();
      await load.everyAnswer();
      await fleet.remove(late);
    },
  },
  { ...safe, edits: start.inOrder },
  { ...safe, without: 'finding its place before loading', edits: start.outOfOrder },
);

async function untilLeaseIsHeld({ url }: Member): Promise<void> {
  const isHeld = async () => {
    const answer = await fetch(`${url}/health/verify`);
    const { checks } = (await answer.json()) as { checks: { lease: string } };
    return checks.lease === 'held';
  };
  await eventually(20_000, isHeld, (held) => held);
}

function neverStopped(): never {
  throw new Error('started without stopping');
}

const endListeners = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'flowplate-listener'`;

function stopDirectory(): string {
  const directory = join(tmpdir(), `flowplate-test-${randomUUID()}`);
  atEnd(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
