import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StopSubject } from '../../../src/domain/key-stop.ts';
import { findStop } from '../../../src/stores/postgres/user-keys/key-stops.ts';
import { stopKeys } from '../../../src/usecases/user-keys/stop-keys.ts';
import { tidyStops } from '../../../src/usecases/user-keys/tidy-stops.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import {
  codesOf,
  getKey,
  keysPath,
  type Minted,
  mint,
  newOwner,
  refresh,
  refreshed,
  revoke,
  update,
  verify,
} from '../../support/keys.ts';
import { lockWaiters } from '../../support/lock-waiters.ts';
import { query, withConnection } from '../../support/query.ts';
import { callerWith } from '../../support/use-case-parts.ts';

let broker: TestBroker;
let other: TestBroker;
let operator: { id: string; secret: string };

beforeAll(async () => {
  broker = await startBroker();
  other = await broker.replica();
  operator = await broker.createMasterKey();
});
afterAll(async () => {
  await other.close();
  await broker.close();
});

beforeEach(() => tidyStops(broker));

const caller = () => callerWith({ id: operator.id });

async function stop(subject: StopSubject & { createdBefore?: Date }) {
  const stopped = await stopKeys(broker.api.parts, caller(), { ...subject, reason: 'key_compromise' });
  if (stopped === undefined) throw new Error('the stop was not taken');
  return stopped;
}

/** A key by a minter of its own. */
async function mintedByOther() {
  const minter = await broker.createMasterKey();
  const by = { as: minter.secret };
  return { minter, by, key: await mint(broker, {}, by) };
}

/** All three kinds, each with a key that it covers and one that it does not. */
const cases = {
  'minted by a master key': async () => {
    const { minter, key } = await mintedByOther();
    return { subject: { kind: 'minted_by', subject: minter.id } as const, key, spared: await mint(broker) };
  },
  'of a user': async () => {
    const key = await mint(broker);
    const spared = await mint(broker, { organization_id: key.organization_id });
    return { subject: { kind: 'user', subject: key.user_id } as const, key, spared };
  },
  'of an organization': async () => {
    const key = await mint(broker);
    const spared = await mint(broker, { user_id: key.user_id });
    return { subject: { kind: 'organization', subject: key.organization_id } as const, key, spared };
  },
};

const entries = () => query(broker.env.DATABASE_URL as string, 'SELECT kind FROM key_changes ORDER BY seq');

describe.each(Object.entries(cases))('all keys %s', (_name, make) => {
  test('are refused by every process when the stop has answered, and nobody else’s', async () => {
    const { subject, key, spared } = await make();
    for (const process of [broker, other]) {
      expect(await codesOf(process, [key, spared])).toEqual(['VALID', 'VALID']);
    }
    const before = (await entries()).length;
    const { propagation } = await stop(subject);
    expect(propagation.isComplete).toBe(true);
    for (const process of [broker, other]) {
      expect(await codesOf(process, [key, spared])).toEqual(['REVOKED', 'VALID']);
    }
    expect((await entries()).slice(before)).toEqual([{ kind: `stop_${subject.kind}` }]);
    expect(await tidyStops(broker)).toBe(1);
    for (const process of [broker, other]) {
      expect(await codesOf(process, [key, spared])).toEqual(['REVOKED', 'VALID']);
    }
    expect((await entries()).length).toBe(before + 1);
  });

  test('are refused by a process that starts while the stop lives, whatever Redis has', async () => {
    const { subject, key, spared } = await make();
    expect(await codesOf(broker, [key, spared])).toEqual(['VALID', 'VALID']);
    await stop(subject);
    const late = await broker.replica();
    expect(await codesOf(late, [key, spared])).toEqual(['REVOKED', 'VALID']);
    await late.close();
  });
});

describe('a stopped key whose row does not say it yet', () => {
  async function stopped() {
    const key = await mint(broker);
    const { stopId } = await stop({ kind: 'user', subject: key.user_id });
    return { key, stopId };
  }

  test('is shown as revoked, with the time and the reason of the stop, as it is afterwards', async () => {
    const { key } = await stopped();
    const shown = (await getKey(broker, key.key_id)).body;
    expect(shown).toMatchObject({ status: 'revoked', revoked_reason: 'key_compromise' });
    await tidyStops(broker);
    const { updated_at: _, ...tidied } = (await getKey(broker, key.key_id)).body;
    expect(shown).toMatchObject(tidied);
  });

  test('is listed as revoked, and not as active', async () => {
    const { key } = await stopped();
    const list = async (status: string) =>
      (await broker.call(`GET ${keysPath}?user_id=${key.user_id}&status=${status}`)).body.data;
    expect(await list('active')).toEqual([]);
    expect(await list('revoked')).toMatchObject([{ key_id: key.key_id, status: 'revoked' }]);
  });

  test('is explained as revoked', async () => {
    const { key } = await stopped();
    const { body } = await broker.call(`POST ${keysPath}/${key.key_id}/explain`, { body: {} });
    expect(body).toMatchObject({ valid: false, code: 'REVOKED' });
  });

  test('is neither refreshed nor changed, and revoking it counts nothing', async () => {
    const { key } = await stopped();
    expectError(await refresh(broker, key), 404, 'KEY_NOT_FOUND');
    expectError(await refresh(broker, key, { ttl_seconds: 60 }), 404, 'KEY_NOT_FOUND');
    expectError(await update(broker, key.key_id, { name: 'x' }), 409, 'KEY_NOT_ACTIVE');
    expect((await revoke(broker, key.key_id)).body).toMatchObject({ revoked_count: 0 });
    const all = await broker.call(`DELETE ${keysPath}/user/${key.user_id}`);
    expect(all.body).toMatchObject({ revoked_count: 0 });
  });

  test('makes room for a new key of the same owner, which the stop does not touch', async () => {
    const { key, stopId } = await stopped();
    const { user_id, organization_id } = key;
    const next = await mint(broker, { user_id, organization_id });
    expect(await codesOf(broker, [key, next])).toEqual(['REVOKED', 'VALID']);
    expect(await codesOf(other, [key, next])).toEqual(['REVOKED', 'VALID']);
    await tidyStops(broker);
    expect(await codesOf(other, [key, next])).toEqual(['REVOKED', 'VALID']);
    expect(await findStop(broker.db, stopId)).toMatchObject({ endedKeys: 1, tidiedAt: expect.any(Date) });
    expect((await refreshed(broker, next)).key_id).toMatch(/^flk_/);
  });
});

test('only keys that were created before the time are stopped, when one is given', async () => {
  const { minter, by, key: old } = await mintedByOther();
  const moment = new Date(Date.parse(old.created_at) + 1);
  const young = await mint(broker, {}, by);
  await sql`UPDATE api_keys SET created_at = created_at + interval '1 second' WHERE id = ${young.key_id}`.execute(
    broker.db,
  );
  expect(await codesOf(broker, [old, young])).toEqual(['VALID', 'VALID']);
  await stop({ kind: 'minted_by', subject: minter.id, createdBefore: moment });
  expect(await codesOf(broker, [old, young])).toEqual(['REVOKED', 'VALID']);
  expect(await codesOf(other, [old, young])).toEqual(['REVOKED', 'VALID']);
  await tidyStops(broker);
  expect(await codesOf(other, [old, young])).toEqual(['REVOKED', 'VALID']);
});

test('a successor that another master key was given is not touched, and its predecessor in grace is', async () => {
  const { minter, key } = await mintedByOther();
  const next = await refreshed(broker, key, { grace_period_seconds: 600 });
  expect(await codesOf(broker, [key, next])).toEqual(['SUPERSEDED', 'VALID']);
  await stop({ kind: 'minted_by', subject: minter.id });
  expect(await codesOf(broker, [key, next])).toEqual(['REVOKED', 'VALID']);
  const last = await refreshed(broker, next);
  expect(await codesOf(other, [key, next, last])).toEqual(['REVOKED', 'REVOKED', 'VALID']);
});

test('one event says who ordered it and why, and one for each key names the order', async () => {
  const { minter, key } = await mintedByOther();
  const { stopId } = await stop({ kind: 'minted_by', subject: minter.id });
  await tidyStops(broker);
  const events = await query(
    broker.env.DATABASE_URL as string,
    `SELECT event_type, actor_id, target_id, details FROM audit_events WHERE target_id = ANY($1) AND event_type <> 'key.minted'
     ORDER BY event_type`,
    [[stopId, key.key_id]],
  );
  expect(events).toEqual([
    {
      event_type: 'key.revoked',
      actor_id: operator.id,
      target_id: key.key_id,
      details: {
        user_id: key.user_id,
        environment: 'test',
        key_prefix: key.key_prefix,
        reason: 'key_compromise',
        stop_id: stopId,
      },
    },
    {
      event_type: 'keys.stopped',
      actor_id: operator.id,
      target_id: stopId,
      details: { kind: 'minted_by', subject: minter.id, created_before: null, reason: 'key_compromise' },
    },
  ]);
});

describe('who may not see all of it', () => {
  const { user_id, organization_id } = newOwner();
  test.each([
    ['another organization', { organizationIds: ['org_else'] }, 'organization'],
    ['one environment', { environments: ['test'] }, 'organization'],
    ['one organization, all keys of a user', { organizationIds: [organization_id] }, 'user'],
    ['one organization, all that was minted', { organizationIds: [organization_id] }, 'minted_by'],
  ] as const)('cannot stop it: %s', async (_name, reach, kind) => {
    const by = callerWith({ id: operator.id, ...reach });
    const subject = kind === 'organization' ? organization_id : user_id;
    expect(await stopKeys(broker.api.parts, by, { kind, subject })).toBeUndefined();
  });

  test('stops its own organization', async () => {
    const key = await mint(broker);
    const by = callerWith({ id: operator.id, organizationIds: [key.organization_id] });
    const stopped = await stopKeys(broker.api.parts, by, {
      kind: 'organization',
      subject: key.organization_id,
    });
    expect(stopped?.propagation.isComplete).toBe(true);
    expect(await codesOf(other, [key])).toEqual(['REVOKED']);
  });
});

test('a master key that has ended stops nothing', async () => {
  const { id } = await broker.createMasterKey();
  await sql`UPDATE master_keys SET revoked_at = now() WHERE id = ${id}`.execute(broker.db);
  const key = await mint(broker);
  const order = stopKeys(broker.api.parts, callerWith({ id }), { kind: 'user', subject: key.user_id });
  await expect(order).rejects.toMatchObject({ code: 'AUTHENTICATION_REQUIRED' });
  expect((await verify(broker, key.key)).code).toBe('VALID');
});

describe('more keys of a user than one transaction revokes', () => {
  test('are stopped: all are counted, and the next call counts none', async () => {
    const key: Minted = await mint(broker);
    const names = Array.from({ length: 600 }, () => randomUUID());
    await sql`
      INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
        scopes, created_at, updated_at)
      SELECT 'flk_' || name, 'flk_' || name, 'p1', convert_to(name, 'UTF8'), 'p', ${key.user_id}, 'org_' || name, 'test',
        '{}', '{}', now(), now() FROM unnest(${names}::text[]) AS name`.execute(broker.db);
    const path = `DELETE ${keysPath}/user/${key.user_id}`;
    const [one, two] = await Promise.all([broker.call(path), other.call(path)]);
    expect([one.body.revoked_count, two.body.revoked_count].reduce((sum, count) => sum + count)).toBe(601);
    expect([one.body.propagation, two.body.propagation]).toEqual(['complete', 'complete']);
    expect((await broker.call(path)).body.revoked_count).toBe(0);
    expect((await verify(other, key.key)).code).toBe('REVOKED');
  });
});

test('keys whose minter is known from their audit event alone are stopped with the others', async () => {
  const { minter, key } = await mintedByOther();
  const spared = await mint(broker);
  const ids = [key.key_id, spared.key_id];
  await sql`UPDATE api_keys SET minted_by = NULL WHERE id = ANY(${ids}::text[])`.execute(broker.db);
  expect(await codesOf(broker, [key, spared])).toEqual(['VALID', 'VALID']);
  expect(await codesOf(other, [key, spared])).toEqual(['VALID', 'VALID']);
  const { stopId } = await stop({ kind: 'minted_by', subject: minter.id });
  expect(await codesOf(broker, [key, spared])).toEqual(['REVOKED', 'VALID']);
  expect(await codesOf(other, [key, spared])).toEqual(['REVOKED', 'VALID']);
  expect(await tidyStops(broker)).toBe(1);
  expect(await findStop(broker.db, stopId)).toMatchObject({ endedKeys: 1, tidiedAt: expect.any(Date) });
  expect(await codesOf(other, [key, spared])).toEqual(['REVOKED', 'VALID']);
});

describe('a change that was under way when the stop committed', () => {
  const databaseUrl = () => broker.env.DATABASE_URL as string;

  test('a mint that commits after it is refused, and the stop is not over before it is tidied', async () => {
    const key = await mint(broker);
    const late = await withConnection(databaseUrl(), async (minting) => {
      await minting.query('BEGIN');
      const { rows } = await minting.query(
        `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
           scopes, created_at, updated_at)
         SELECT 'flk_0000000000000000000late', 'flk_0000000000000000000late', pepper_id, 'late', key_prefix, user_id, 'org_late',
           environment, metadata, scopes, now(), now() FROM api_keys WHERE id = $1 RETURNING id`,
        [key.key_id],
      );
      const { stopId } = await stop({ kind: 'user', subject: key.user_id });
      await tidyStops(broker);
      expect(await findStop(broker.db, stopId)).toMatchObject({ endedKeys: 1, tidiedAt: null });
      await minting.query('COMMIT');
      return { id: rows[0].id as string, stopId };
    });
    expect((await getKey(broker, late.id)).body).toMatchObject({ status: 'revoked' });
    await tidyStops(broker);
    expect(await findStop(broker.db, late.stopId)).toMatchObject({
      endedKeys: 2,
      tidiedAt: expect.any(Date),
    });
    expect((await getKey(broker, late.id)).body).toMatchObject({ status: 'revoked' });
  });

  test('a refresh that commits after it fails, as for a revoked key', async () => {
    const key = await mint(broker);
    const answer = await withConnection(databaseUrl(), async (holding) => {
      // The refresh has read its key, and waits to append to the feed.
      await holding.query('BEGIN; SELECT pg_advisory_xact_lock(5201001)');
      const refreshing = refresh(other, key);
      await eventually(
        5_000,
        () => lockWaiters(broker.db),
        (waiting) => waiting > 0,
      );
      await holding.query(
        `SELECT begin_stop('stop_racing', 'user', $1, NULL, 'unspecified', 'shell', 'test', NULL, NULL)`,
        [key.user_id],
      );
      await holding.query('COMMIT');
      return refreshing;
    });
    expectError(answer, 404, 'KEY_NOT_FOUND');
    expect((await getKey(broker, key.key_id)).body).toMatchObject({ status: 'revoked' });
  });
});

describe('an API process of the release before', () => {
  const register = (leaseUntil: string) =>
    sql`INSERT INTO verifiers (id, applied_seq, lease_until) VALUES ('earlier', 0, ${sql.raw(leaseUntil)})`.execute(
      broker.db,
    );
  afterEach(() => sql`DELETE FROM verifiers WHERE id = 'earlier'`.execute(broker.db));

  test('with a lease leaves the keys to be revoked in batches', async () => {
    await sql`UPDATE key_stops SET tidied_at = now() - interval '12 minutes'`.execute(broker.db);
    await register(`now() + interval '15 seconds'`);
    const key = await mint(broker);
    const order = { kind: 'user', subject: key.user_id } as const;
    expect(await stopKeys(broker.api.parts, caller(), order)).toBeUndefined();
    expect((await getKey(broker, key.key_id)).body.status).toBe('active');
  });

  test('gets no lease while a stop lives, nor soon after', async () => {
    const key = await mint(broker);
    await stop({ kind: 'user', subject: key.user_id });
    await register('now()');
    const extend = () =>
      sql`UPDATE verifiers SET lease_until = clock_timestamp() + interval '15 seconds' WHERE id = 'earlier'`.execute(
        broker.db,
      );
    await expect(extend()).rejects.toThrow('gets no lease now');
    await tidyStops(broker);
    await expect(extend()).rejects.toThrow('gets no lease now');
    await sql`UPDATE key_stops SET tidied_at = now() - interval '12 minutes'`.execute(broker.db);
    await extend();
  });
});
