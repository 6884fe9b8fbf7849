import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { findKey } from '../../../src/stores/postgres/user-keys/user-keys.ts';
import { expireDueKeys } from '../../../src/usecases/user-keys/expire-due-keys.ts';
import { refreshKey } from '../../../src/usecases/user-keys/refresh-key.ts';
import { admitTestCallers } from '../../support/callers.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { callerWith, mintedKey, useCaseParts, WalkedClock } from '../../support/use-case-parts.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
const { db } = stores;
afterAll(() => stores.close());

/** Keys are minted an hour ago by this clock; the sweep goes by the time of Postgres. */
const hourAgo = new Date(Date.now() - 3_600_000);
const parts = useCaseParts(stores, new WalkedClock(hourAgo));
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const inAnHour = new Date(Date.now() + 3_600_000);

beforeEach(() => expireDueKeys(parts));

const eventsOf = (targetId: string) =>
  query(
    stores.databaseUrl,
    `SELECT event_type, actor_kind, actor_id FROM audit_events WHERE target_id = $1 AND event_type <> 'key.minted' ORDER BY id`,
    [targetId],
  );

async function refreshedWithGrace(gracePeriodSeconds: number, expiresAt: Date | null = null) {
  const { keyId, request } = await mintedKey(parts, { expiresAt });
  const { userId, organizationId, environment } = request;
  const owner = { userId, organizationId, environment };
  await refreshKey(parts, callerWith(), { ...owner, gracePeriodSeconds });
  return keyId;
}

describe('a key past its expiry', () => {
  test('is written down as expired, by the server itself, with its audit event', async () => {
    const { keyId } = await mintedKey(parts, { expiresAt: minutesAgo(30) });
    expect(await expireDueKeys(parts)).toBe(1);
    expect(await findKey(db, keyId)).toMatchObject({ status: 'expired', revokedAt: null });
    expect(await eventsOf(keyId)).toEqual([
      { event_type: 'key.expired', actor_kind: 'system', actor_id: 'flowplate' },
    ]);
  });

  test('makes room for a new key of the same owner', async () => {
    const { request } = await mintedKey(parts, { expiresAt: minutesAgo(30) });
    await expireDueKeys(parts);
    const { keyId } = await mintedKey(parts, { userId: request.userId });
    expect(await findKey(db, keyId)).toMatchObject({ status: 'active' });
  });
});

describe('a superseded key', () => {
  test('past its grace is written down as revoked at the end of the grace', async () => {
    const keyId = await refreshedWithGrace(600);
    expect(await expireDueKeys(parts)).toBe(1);
    const key = await findKey(db, keyId);
    expect(key).toMatchObject({ status: 'revoked' });
    expect(key?.revokedAt).toEqual(key?.supersededUntil);
    expect((await eventsOf(keyId)).map(({ event_type }) => event_type)).toEqual(['key.revoked']);
  });

  test('inside its grace is left alone', async () => {
    const keyId = await refreshedWithGrace(86_400);
    expect(await expireDueKeys(parts)).toBe(0);
    expect(await findKey(db, keyId)).toMatchObject({ status: 'superseded' });
  });
});

test('keys without an expiry, with one to come and those that have ended are left alone', async () => {
  const untouched = [await mintedKey(parts), await mintedKey(parts, { expiresAt: inAnHour })];
  expect(await expireDueKeys(parts)).toBe(0);
  for (const { keyId } of untouched) {
    expect(await findKey(db, keyId)).toMatchObject({ status: 'active', revision: 1 });
    expect(await eventsOf(keyId)).toEqual([]);
  }
});

test('a second run changes nothing and writes no second event', async () => {
  const { keyId } = await mintedKey(parts, { expiresAt: minutesAgo(30) });
  expect(await expireDueKeys(parts)).toBe(1);
  const before = await findKey(db, keyId);
  expect(await expireDueKeys(parts)).toBe(0);
  expect(await findKey(db, keyId)).toEqual(before);
  expect(await eventsOf(keyId)).toHaveLength(1);
});

describe('more keys than one batch', () => {
  const line = `'flk_batch_' || lpad(n::text, 6, '0')`;
  const fill = (count: number) =>
    query(
      stores.databaseUrl,
      `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment,
         metadata, scopes, expires_at, created_at, updated_at)
       SELECT ${line}, ${line}, 'p1', sha256((gen_random_uuid())::text::bytea), 'fl_user_test_00000000', ${line}, 'org_1', 'test',
         '{}', '{}', now() - interval '1 minute', now(), now()
       FROM generate_series((SELECT count(*) + 1 FROM api_keys), (SELECT count(*) FROM api_keys) + $1) AS n`,
      [count],
    );
  const events = () =>
    query(stores.databaseUrl, `SELECT target_id FROM audit_events WHERE target_id LIKE 'flk_batch_%'`);

  test('are all ended by one run', async () => {
    await fill(1_201);
    expect(await expireDueKeys(parts)).toBe(1_201);
    expect(await events()).toHaveLength(1_201);
  });

  test('are each ended once by four runs at a time', async () => {
    const before = (await events()).length;
    await fill(900);
    const counts = await Promise.all(Array.from({ length: 4 }, () => expireDueKeys(parts)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(900);
    const targets = (await events()).map(({ target_id }) => target_id);
    expect(targets).toHaveLength(before + 900);
    expect(new Set(targets).size).toBe(targets.length);
  });
});

test('a run that is cut off before its commit has done nothing', async () => {
  const { keyId } = await mintedKey(parts, { expiresAt: minutesAgo(30) });
  const cut = stores.observed((text, run) =>
    /^commit/i.test(text) ? Promise.reject(new Error('cut')) : run(),
  );
  await expect(expireDueKeys({ ...parts, db: cut })).rejects.toThrow('cut');
  expect(await findKey(db, keyId)).toMatchObject({ status: 'active' });
  expect(await eventsOf(keyId)).toEqual([]);
});
