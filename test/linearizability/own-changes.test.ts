import { afterAll, beforeAll, inject } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-stores.ts';
import { freshRedis } from '../support/redis.ts';
import { type Fleet, newFleet } from './fleet.ts';
import { whileListenersFall } from './listeners.ts';
import { prove } from './run.ts';
import { without } from './without.ts';

let postgres: OwnPostgres;
let fleet: Fleet;

beforeAll(async () => {
  postgres = await ownPostgres();
  const { url: redisUrl } = await freshRedis(inject('redisUrl'));
  fleet = newFleet({ databaseUrl: postgres.databaseUrl, redisUrl });
  const broker = await fleet.add();
  await Promise.all([fleet.embed(broker.url), fleet.embed(broker.url)]);
}, 60_000);

afterAll(endAll);

const safe = { fleet: () => fleet };

/**
 * A process that hears of no other's change before its next heartbeat makes changes of its own
 * meanwhile: each of those comes after changes that it has not applied. Two processes make them, so
 * that both have such gaps.
 */
prove(
  'when processes that hear of nothing make changes of their own',
  {
    joining: [(members, source) => members.add({ source }), (members, source) => members.add({ source })],
    async inflict(load, [first, second]) {
      await whileListenersFall(postgres.adminUrl, async () => {
        await load.endWitnesses(first?.call);
        await load.askForWitnesses(1_500);
        await load.endWitnesses(second?.call);
        await load.askForWitnesses(500);
      });
    },
  },
  safe,
  { ...safe, without: 'a look for gaps before an own change', edits: without.noticingGaps },
  { ...safe, without: 'the feed entry of a report', edits: without.feedEntryOfReports },
);
