import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Lease } from '../../src/revocation/lease.ts';
import { eventually } from '../support/eventually.ts';
import { append, appendMany, nameSteps, newLease, recordedFeed, revisionOf } from '../support/feed.ts';
import { appendKeyChanges } from '../support/finish-change.ts';
import { openStores } from '../support/stores.ts';

const stores = await openStores();
afterAll(() => stores.close());

const started: Lease[] = [];
afterEach(async () => {
  for (const lease of started.splice(0)) await lease.stop();
});

async function start(...args: Parameters<typeof newLease>) {
  const made = newLease(...args);
  started.push(made.lease);
  await made.lease.start();
  return made;
}

/** Names a verifier's statements in their order; `hold` stands before each of them. */
function observedSteps(hold: (step: string) => Promise<void> | void = () => undefined) {
  const { seen, around } = nameSteps(hold);
  return { seen, db: stores.observed(around) };
}

async function leaseLeftMs(id: string): Promise<number> {
  const { rows } = await sql<{ leftMs: number }>`
    SELECT (extract(epoch FROM lease_until - clock_timestamp()) * 1000)::float8 AS "leftMs"
    FROM verifiers WHERE id = ${id}`.execute(stores.db);
  return rows[0]?.leftMs ?? Number.NaN;
}

describe('a start', () => {
  test('finds its place and registers first, loads and catches up, and only then extends and reads', async () => {
    const { db, seen } = observedSteps();
    await start(db, recordedFeed().sink, { heartbeatMs: 60_000, leaseMs: 900_000 });
    expect(seen).toEqual([
      ...['look at the history', 'list the histories'],
      ...['find its place', 'register', 'load organizations', 'read'],
      ...['extend', 'read'],
    ]);
  });

  test('holds no lease while it catches up, so that no revoke waits for it', async () => {
    await appendMany(stores.db, 'flk_start', 2_500);
    const leases: number[] = [];
    const { db, seen } = observedSteps(async (step) => {
      if (step === 'read') leases.push(await leaseLeftMs('catches up'));
    });
    const feed = recordedFeed();
    await start(db, feed.sink, { verifierId: 'catches up', heartbeatMs: 60_000, leaseMs: 900_000 });
    expect(seen.filter((step) => step === 'read')).toHaveLength(4);
    expect(leases.map((leftMs) => leftMs > 0)).toEqual([false, false, false, true]);
    expect(feed.heardOf('flk_start_2500')).toBe(true);
  });

  test('hears of a change that was committed while it was loading', async () => {
    const { db } = observedSteps(async (step) => {
      if (step === 'load organizations') await append(stores.db, revisionOf('flk_between', 2));
    });
    const feed = recordedFeed();
    const { lease } = await start(db, feed.sink);
    expect(lease.isHeld()).toBe(true);
    expect(feed.heardOf('flk_between')).toBe(true);
  });

  test('hears of what changed lately, and of the organizations that are refused', async () => {
    await sql`INSERT INTO organizations (id, name, status, created_at, updated_at)
      VALUES ('org_suspended', 'x', 'suspended', now(), now())`.execute(stores.db);
    await append(stores.db, revisionOf('flk_lately', 7));
    const feed = recordedFeed();
    await start(stores.db, feed.sink);
    expect(feed.resets).toEqual([['org_suspended']]);
    expect(feed.applied).toContainEqual(expect.objectContaining({ subjectId: 'flk_lately', revision: 7 }));
  });

  test('gives no lease before the first read has been applied', async () => {
    const reads = Promise.withResolvers<void>();
    const { db } = observedSteps((step) => (step === 'read' ? reads.promise : undefined));
    const { lease } = newLease(db, recordedFeed().sink);
    started.push(lease);
    const isStarted = lease.start();
    await sleep(200);
    expect(lease.isHeld()).toBe(false);
    reads.resolve();
    await isStarted;
    expect(lease.isHeld()).toBe(true);
  });
});

describe('a heartbeat', () => {
  test('counts the processes of the API that have a live lease, and no gateway', async () => {
    const first = await start(stores.db, recordedFeed().sink);
    const others = [await start(stores.db, recordedFeed().sink), await start(stores.db, recordedFeed().sink)];
    await sql`INSERT INTO master_keys (id, name, permissions, created_at, password_hash)
      VALUES ('flm_gateway', 'x', '{}', now(), 'x')`.execute(stores.db);
    await sql`INSERT INTO verifiers (id, applied_seq, lease_until, master_key_id) VALUES
      (gen_random_uuid(), 0, now() + interval '1 minute', 'flm_gateway'),
      (gen_random_uuid(), 0, now() - interval '1 second', NULL)`.execute(stores.db);
    const counted = (count: number) =>
      eventually(
        5_000,
        () => first.lease.apiProcesses,
        (processes) => processes === count,
      );
    await counted(3);
    await others[0]?.lease.stop();
    await counted(2);
  });

  test('that is more than one read behind extends nothing until it has caught up', async () => {
    let isAway = false;
    const back = Promise.withResolvers<void>();
    const { db, seen } = observedSteps((step) => (isAway && step === 'extend' ? back.promise : undefined));
    const options = { verifierId: 'was away', heartbeatMs: 300, leaseMs: 4_500 };
    const { lease } = await start(db, recordedFeed().sink, options);
    isAway = true;
    await sleep(500);
    await appendMany(stores.db, 'flk_away', 2_500);
    seen.length = 0;
    back.resolve();
    await eventually(
      5_000,
      () => seen.filter((step) => step === 'extend').length,
      (count) => count >= 2,
    );
    const steps = ['extend', 'read', 'read', 'read', 'say so', 'extend', 'read'];
    await eventually(
      5_000,
      () => seen.length,
      (count) => count >= steps.length,
    );
    expect(seen.slice(0, steps.length)).toEqual(steps);
    expect(lease.isHeld()).toBe(true);
  });

  test('extends, then reads in a new snapshot, then says what it applied, in this order', async () => {
    const { db, seen } = observedSteps();
    await start(db, recordedFeed().sink);
    seen.length = 0;
    for (let change = 1; change <= 5; change++) {
      const said = seen.filter((step) => step === 'say so').length;
      await append(stores.db, revisionOf('flk_order', change));
      await eventually(
        5_000,
        () => seen.filter((step) => step === 'say so').length,
        (count) => count > said,
      );
    }
    const pairs = seen.slice(1).map((step, index) => [seen[index], step]);
    const after = (step: string) => pairs.filter(([first]) => first === step).map(([, second]) => second);
    const before = (step: string) => pairs.filter(([, second]) => second === step).map(([first]) => first);
    expect(new Set(after('extend'))).toEqual(new Set(['read']));
    expect(new Set(before('say so'))).toEqual(new Set(['read']));
  });

  test('brings every change when no notification ever comes', async () => {
    const feed = recordedFeed();
    await start(stores.db, feed.sink);
    await append(stores.db, revisionOf('flk_unannounced', 2));
    await eventually(5_000, () => feed.heardOf('flk_unannounced'), Boolean);
  });

  test('is not waited for when a notification comes', async () => {
    const feed = recordedFeed();
    const { lease } = await start(stores.db, feed.sink, { heartbeatMs: 60_000, leaseMs: 900_000 });
    await append(stores.db, revisionOf('flk_announced', 2));
    lease.wake();
    await eventually(5_000, () => feed.heardOf('flk_announced'), Boolean);
  });

  test('brings more changes than one read carries, in their order', async () => {
    const many = Array.from({ length: 2_500 }, (_, index) => revisionOf(`flk_many_${index}`, 2));
    const feed = recordedFeed();
    const { lease } = await start(stores.db, feed.sink, { heartbeatMs: 60_000, leaseMs: 900_000 });
    await stores.db.transaction().execute((tx) => appendKeyChanges(tx, many));
    lease.wake();
    await eventually(5_000, () => feed.heardOf('flk_many_2499'), Boolean);
    const heard = feed.applied.filter(({ subjectId }) => subjectId.startsWith('flk_many_'));
    expect(heard.map(({ subjectId }) => subjectId)).toEqual(many.map(({ subjectId }) => subjectId));
  });
});

describe('the lease', () => {
  const short = { leaseMs: 1_200, heartbeatMs: 40 };

  test('is lost when the heartbeats stop, and held again when they come back', async () => {
    let isCut = false;
    const cut = Promise.withResolvers<void>();
    const { db } = observedSteps((step) => (isCut && step === 'extend' ? cut.promise : undefined));
    const { lease } = await start(db, recordedFeed().sink, short);
    await sleep(short.leaseMs + 100);
    expect(lease.isHeld()).toBe(true);
    isCut = true;
    await eventually(
      5_000,
      () => lease.isHeld(),
      (isHeld) => !isHeld,
    );
    isCut = false;
    cut.resolve();
    await eventually(5_000, () => lease.isHeld(), Boolean);
  });

  test('is not prolonged by an extension whose read does not come back', async () => {
    let isCut = false;
    const cut = Promise.withResolvers<void>();
    const { db } = observedSteps((step) => (isCut && step === 'read' ? cut.promise : undefined));
    const { lease } = await start(db, recordedFeed().sink, short);
    isCut = true;
    await eventually(
      5_000,
      () => lease.isHeld(),
      (isHeld) => !isHeld,
    );
    cut.resolve();
  });

  test('is counted from before it was asked for, however late the answer', async () => {
    let sentMs = 0;
    const next = Promise.withResolvers<void>();
    const { db } = observedSteps(async (step) => {
      if (step !== 'extend') return;
      if (sentMs > 0) return next.promise;
      sentMs = performance.now();
      await sleep(300);
    });
    const { lease } = await start(db, recordedFeed().sink, short);
    await sleep(Math.max(0, sentMs + short.leaseMs - performance.now()));
    expect(lease.isHeld()).toBe(false);
    next.resolve();
  });

  test('is returned by a stop, so that no revoke waits for a stopped process', async () => {
    const { lease } = newLease(stores.db, recordedFeed().sink, { verifierId: 'stopped' });
    await lease.start();
    await lease.stop();
    expect(lease.isHeld()).toBe(false);
    const rows = await stores.db.selectFrom('verifiers').select('id').where('id', '=', 'stopped').execute();
    expect(rows).toEqual([]);
  });
});

describe('a verifier starts anew, with empty caches, when', () => {
  test('its row is gone, since the changes it missed may be gone too', async () => {
    const feed = recordedFeed();
    const { lease } = await start(stores.db, feed.sink, { verifierId: 'forgotten' });
    await stores.db.deleteFrom('verifiers').where('id', '=', 'forgotten').execute();
    await eventually(
      5_000,
      () => feed.resets.length,
      (count) => count === 2,
    );
    await eventually(5_000, () => lease.isHeld(), Boolean);
    const rows = await stores.db.selectFrom('verifiers').select('id').where('id', '=', 'forgotten').execute();
    expect(rows).toHaveLength(1);
  });

  test('the server knows less than it was told: it was restored, and its feed is another one', async () => {
    const feed = recordedFeed();
    const seq = await append(stores.db, revisionOf('flk_before', 2));
    await start(stores.db, feed.sink, { verifierId: 'restored' });
    await sql`UPDATE verifiers SET applied_seq = ${seq - 1} WHERE id = 'restored'`.execute(stores.db);
    await eventually(
      5_000,
      () => feed.resets.length,
      (count) => count === 2,
    );
  });
});
