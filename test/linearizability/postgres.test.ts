import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, inject } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { type DroppingProxy, startDroppingProxy } from '../support/dropping-proxy.ts';
import { type EditedSource, editSource } from '../support/edited-source.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-stores.ts';
import { query } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';
import { withoutHistory } from '../support/without-history.ts';
import { type Fleet, leaseMs, newFleet } from './fleet.ts';
import { whileListenersFall } from './listeners.ts';
import { prove } from './run.ts';
import { without } from './without.ts';

let postgres: OwnPostgres;
let fleet: Fleet;
/** On a Postgres that answers before a commit is safe. */
let unsafePostgres: OwnPostgres;
let unsafeFleet: Fleet;
/** Source of its processes. */
let unaware: EditedSource;

let wayToPostgres: DroppingProxy;
let wayToRedis: DroppingProxy;
/** For the process that is cut off. */
let throughProxies: Record<string, string>;

beforeAll(async () => {
  // Nor does anything else write the log out before the crash: a full buffer, or a page that goes
  // to disk.
  const lazily = {
    synchronous_commit: 'off',
    wal_writer_delay: '10s',
    wal_writer_flush_after: '1GB',
    wal_buffers: '32MB',
    bgwriter_lru_maxpages: '0',
  };
  [postgres, unsafePostgres] = await Promise.all([ownPostgres(), ownPostgres(lazily)]);
  const { url: redisUrl } = await freshRedis(inject('redisUrl'));
  fleet = newFleet({ databaseUrl: postgres.databaseUrl, redisUrl });
  unsafeFleet = newFleet({ databaseUrl: unsafePostgres.databaseUrl, redisUrl });
  // Else it would notice that the database has lost what it answered, and answer nothing any more.
  unaware = await editSource(withoutHistory);
  const [broker] = await Promise.all([fleet.add(), unsafeFleet.add({ source: unaware })]);
  const others = [fleet.add(), fleet.embed(broker.url), fleet.embed(broker.url)];
  await Promise.all([...others, unsafeFleet.add({ source: unaware })]);
  wayToPostgres = await startDroppingProxy(postgres.current().port);
  wayToRedis = await startDroppingProxy(Number(new URL(redisUrl).port));
  throughProxies = {
    DATABASE_URL: wayToPostgres.through(postgres.databaseUrl),
    REDIS_URL: wayToRedis.through(redisUrl),
  };
}, 60_000);

afterAll(endAll);

const safe = { fleet: () => fleet };

prove(
  'when every notification is lost',
  {
    joining: [(members, source) => members.add({ source })],
    async inflict(load, [third]) {
      await whileListenersFall(postgres.adminUrl, async () => {
        await sleep(300);
        // No other question stands in the way of those that are asked as soon as these changes are
        // answered.
        await load.rest(async () => {
          await load.everyAnswer();
          await load.endWitnesses(third?.call);
        });
        await sleep(1_200);
      });
    },
  },
  safe,
  { ...safe, without: 'the wait for verifiers', edits: without.waiting },
);

prove(
  'when a process is cut off from Postgres, but not from Redis',
  {
    joining: [(members, source) => members.add({ source, env: throughProxies })],
    async inflict(load, joined) {
      load.spare(joined);
      wayToPostgres.drop();
      const lapsed = sleep(1.1 * leaseMs);
      await load.endWitnesses();
      await lapsed;
      await load.untilCertain();
      await load.askForWitnesses(500);
      wayToPostgres.restore();
      await sleep(500);
    },
  },
  safe,
  { ...safe, without: 'the end of a lease', edits: without.lapsing },
);

prove(
  'when a process is cut off from Redis, but not from Postgres',
  {
    joining: [(members, source) => members.add({ source, env: throughProxies })],
    async inflict(load) {
      wayToRedis.drop();
      await load.endWitnesses();
      await sleep(1_000);
      wayToRedis.restore();
      await sleep(500);
    },
  },
  safe,
  { ...safe, without: 'remembered revisions', edits: without.remembering },
);

prove(
  'when Postgres is restarted in immediate mode',
  {
    joining: [(members, source) => members.add({ source: members === unsafeFleet ? unaware : source })],
    async inflict(load) {
      const server = load.fleet === fleet ? postgres : unsafePostgres;
      await query(server.adminUrl, 'CHECKPOINT');
      await load.endWitnesses();
      server.current().kill('SIGQUIT');
      await server.current().exited;
      await server.restart();
      await load.untilDecided();
      await sleep(500);
    },
  },
  safe,
  { fleet: () => unsafeFleet, without: 'commits that are on disk when they are answered' },
);
