import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, inject } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type DroppingProxy, startDroppingProxy } from '../support/dropping-proxy.ts';
import { quietPort } from '../support/quiet-port.ts';
import { freshRedis } from '../support/redis.ts';
import { type Fleet, leaseMs, type Member, newFleet } from './fleet.ts';
import type { Load } from './load.ts';
import { prove, type Source } from './run.ts';
import { deafGateway, hastyHub, without } from './without.ts';

let fleet: Fleet;
/** What all changes go through, and no gateway of a fault hangs on at first. */
let broker: Member;
let wayToPostgres: DroppingProxy;
let wayToHub: DroppingProxy;
let throughProxy: Record<string, string>;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const { url: redisUrl } = await freshRedis(inject('redisUrl'));
  fleet = newFleet({ databaseUrl: database.url, redisUrl });
  broker = await fleet.add();
  await fleet.embed(broker.url);
  wayToPostgres = await startDroppingProxy(Number(new URL(database.url).port));
  wayToHub = await startDroppingProxy(0);
  throughProxy = { DATABASE_URL: wayToPostgres.through(database.url) };
}, 60_000);

afterAll(endAll);

const safe = { fleet: () => fleet };

/** A hub, and a gateway that holds its lease from it. */
function hubWithFollower(env: () => Record<string, string> = () => ({})) {
  let hub: Promise<Member>;
  return [
    (members: Fleet, source: Source) => {
      hub = members.add({ source, env: env() });
      return hub;
    },
    async (members: Fleet, source: Source) => {
      const { url } = await hub;
      wayToHub.leadTo(portOf(url));
      return members.embed(wayToHub.through(url), source);
    },
  ];
}

const portOf = (url: string) => Number(new URL(url).port);

/** Ends the witnesses while the hub does not run, and asks when every lease of it has ended. */
async function endWithout(load: Load, joined: Member[], signal: 'SIGKILL' | 'SIGSTOP'): Promise<Member> {
  const [hub] = joined as [Member];
  load.spare(joined);
  hub.kill(signal);
  const lapsed = sleep(1.1 * leaseMs);
  await load.endWitnesses(broker.call);
  await lapsed;
  await load.untilCertain();
  await load.askForWitnesses();
  return hub;
}

prove(
  'when a hub is killed',
  {
    joining: hubWithFollower(),
    async inflict(load, joined) {
      await endWithout(load, joined, 'SIGKILL');
      await load.askForWitnesses(300);
    },
  },
  safe,
  { ...safe, without: 'the end of a lease', edits: without.lapsing },
);

prove(
  'when a hub is stopped past its lease and goes on',
  {
    joining: hubWithFollower(),
    async inflict(load, joined) {
      const hub = await endWithout(load, joined, 'SIGSTOP');
      hub.kill('SIGCONT');
      await load.askForWitnesses(500);
    },
  },
  safe,
  { ...safe, without: 'the end of a lease', edits: without.lapsing },
);

prove(
  'when a hub is cut off from Postgres, and not from its followers',
  {
    joining: hubWithFollower(() => throughProxy),
    async inflict(load, joined) {
      load.spare(joined);
      wayToPostgres.drop();
      const lapsed = sleep(1.1 * leaseMs);
      await load.endWitnesses(broker.call);
      await lapsed;
      await load.untilCertain();
      await load.askForWitnesses(500);
      wayToPostgres.restore();
      await sleep(500);
    },
  },
  safe,
  {
    ...safe,
    without: "followers' leases that end before that of their hub",
    edits: without.boundingLeases,
  },
);

prove(
  'when a gateway loses its hub and moves to another',
  {
    joining: hubWithFollower(),
    async inflict(load, joined) {
      load.spare(joined.slice(1));
      wayToHub.leadTo(await quietPort());
      await load.endWitnesses(broker.call);
      await load.askForWitnesses();
      wayToHub.leadTo(portOf(broker.url));
      await sleep(500);
      await load.askForWitnesses();
    },
  },
  safe,
  { ...safe, without: 'a lost follower that counts until its lease ends', edits: without.keepingLost },
);

prove(
  'when a gateway applies nothing and acknowledges nothing',
  {
    joining: hubWithFollower(),
    async inflict(load) {
      await load.endWitnesses(broker.call);
      await load.untilCertain();
      await load.askForWitnesses(500);
    },
  },
  { ...safe, edits: deafGateway },
  { ...safe, without: "the hub's wait for its followers", edits: [...deafGateway, ...hastyHub] },
);
