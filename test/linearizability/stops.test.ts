import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, inject } from 'vitest';
import { tidyStops } from '../../src/usecases/user-keys/tidy-stops.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { freshRedis } from '../support/redis.ts';
import { type Fleet, type Member, newFleet } from './fleet.ts';
import type { Load } from './load.ts';
import { prove, type Source } from './run.ts';
import { without } from './without.ts';

let redis: Redis;
let fleet: Fleet;
let broker: Member;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const { url: redisUrl } = await freshRedis(inject('redisUrl'));
  redis = new Redis(redisUrl);
  atEnd(() => redis.disconnect());
  fleet = newFleet({ databaseUrl: database.url, redisUrl });
  broker = await fleet.add();
  await fleet.embed(broker.url);
}, 60_000);

afterAll(endAll);

const safe = { fleet: () => fleet };

/**
 * A rule that lives for a while: a process starts on it, Redis is emptied, and its rows are tidied.
 */
async function stopAndLive(load: Load, source: Source): Promise<void> {
  await load.stopEverything();
  await load.askForWitnesses();
  const late = await load.rest(() => fleet.add({ source }));
  await load.askForWitnesses();
  await redis.flushdb();
  await load.askForWitnesses(500);
  await tidyStops(load.fleet.operator);
  await load.askForWitnesses(500);
  await fleet.remove(late);
}

prove(
  'when all that a master key minted is stopped, and it goes on minting',
  {
    joining: [
      (members, source) => members.add({ source }),
      (members, source) => members.embed(broker.url, source),
    ],
    async inflict(load, _joined, source) {
      await stopAndLive(load, source);
      await load.stopEverything();
      await sleep(500);
    },
  },
  safe,
  { ...safe, without: 'remembered stops', edits: without.stops },
);
