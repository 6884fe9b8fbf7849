import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newAuditEvent, systemOrigin } from '../../../src/domain/audit-event.ts';
import { newId } from '../../../src/domain/ids.ts';
import { digestSecret } from '../../../src/domain/key-digest.ts';
import type { Key } from '../../../src/domain/user-key.ts';
import { insertEnvironment } from '../../../src/stores/postgres/organizations/environments.ts';
import { insertOrganization } from '../../../src/stores/postgres/organizations/organizations.ts';
import {
  insertMints,
  type Mint,
  mintsInBatches,
} from '../../../src/stores/postgres/user-keys/minted-keys.ts';
import { findKey } from '../../../src/stores/postgres/user-keys/user-keys.ts';
import { keyEvent } from '../../../src/usecases/user-keys/key-events.ts';
import { eventually } from '../../support/eventually.ts';
import { lockWaiters } from '../../support/lock-waiters.ts';
import { openStores } from '../../support/stores.ts';
import { mintRequest, testKeyring } from '../../support/use-case-parts.ts';

const stores = await openStores();
const { db } = stores;
const now = new Date('2030-03-01T00:00:00.123Z');
const organizationId = 'org_1';
afterAll(() => stores.close());

beforeAll(async () => {
  await db.transaction().execute(async (tx) => {
    await insertOrganization(tx, { id: organizationId, name: 'One', now });
    await insertEnvironment(tx, { id: 'env_1', organizationId, slug: 'test', now });
  });
});

function mintOf(changed: Partial<Key> = {}): Mint {
  const id = newId('key', now, randomBytes);
  const key: Key = {
    ...mintRequest({ organizationId }),
    id,
    lineageId: id,
    keyPrefix: 'fl_user_test_00000000',
    mintedBy: null,
    mintNumber: null,
    status: 'active',
    activatedAt: null,
    supersededUntil: null,
    quarantinedUntil: null,
    revokedAt: null,
    revokedReason: null,
    createdAt: now,
    updatedAt: now,
    revision: 1,
    ...changed,
  };
  const event = newAuditEvent({ now, randomBytes }, systemOrigin, keyEvent('key.minted', key));
  const digest = digestSecret(testKeyring[0], randomUUID());
  return { key, digest, event, policyVersion: null, kept: undefined };
}

const inserted = { mintNumber: expect.any(Number) };

const eventsOf = async (mints: readonly Mint[]) => {
  const ids = mints.map(({ key }) => key.id);
  return db.selectFrom('audit_events').select('target_id').where('target_id', 'in', ids).execute();
};

test('what is stored is what was minted, down to the digest and the odd letter', async () => {
  const mint = mintOf({
    name: `quotes " ' \\ and 𝄞`,
    metadata: { deep: { list: [1, null, 'ü'] }, 'a b': true },
    scopes: ['files:read', 'a{b},"c"'],
    rateLimit: { limit: 5, window_seconds: 60 },
    ipAllowlist: ['10.0.0.0/8'],
    expiresAt: new Date('2031-01-01T00:00:00.001Z'),
    enabled: false,
    mintedBy: 'flm_1',
  });
  const [outcome] = await insertMints(db, [mint]);
  expect(outcome).toEqual(inserted);
  expect(await findKey(db, mint.key.id)).toEqual({ ...mint.key, ...(outcome as object) });
  const row = await db.selectFrom('api_keys').selectAll().where('id', '=', mint.key.id).executeTakeFirst();
  expect(row?.digest).toEqual(mint.digest.digest);
  const [event] = await db
    .selectFrom('audit_events')
    .selectAll()
    .where('target_id', '=', mint.key.id)
    .execute();
  expect(event).toMatchObject({ id: mint.event.id, details: mint.event.details, created_at: now });
});

test('of one statement, each is inserted or not for itself, and only the inserted have an event', async () => {
  const userId = randomUUID();
  const mints = [
    mintOf({ userId }),
    mintOf({ userId }),
    mintOf({ organizationId: 'org_unknown' }),
    mintOf({ environment: 'unknown' }),
    mintOf(),
  ];
  expect(await insertMints(db, mints)).toEqual([
    inserted,
    'obstructed',
    'obstructed',
    'obstructed',
    inserted,
  ]);
  expect((await eventsOf(mints)).map((event) => event.target_id).sort()).toEqual(
    [mints[0], mints[4]].map((mint) => mint?.key.id).sort(),
  );
});

test('a later statement gives higher numbers, whatever the clocks say', async () => {
  const earlier = await insertMints(db, [mintOf(), mintOf()]);
  const later = await insertMints(db, [mintOf({ createdAt: new Date(0) })]);
  const numbersOf = (outcomes: unknown[]) =>
    (outcomes as { mintNumber: number }[]).map(({ mintNumber }) => mintNumber);
  expect(Math.min(...numbersOf(later))).toBeGreaterThan(Math.max(...numbersOf(earlier)));
});

test('two statements that want the same places in opposite order do not wait for one another in a circle', async () => {
  const users = ['a', 'm', 'z'].map((letter) => letter + randomUUID());
  const holder = await hold(users[1] as string);
  const mints = () => users.map((userId) => mintOf({ userId }));
  const both = Promise.allSettled([insertMints(db, mints()), insertMints(db, mints().reverse())]);
  await eventually(
    2_000,
    () => lockWaiters(db),
    (count) => count === 2,
  );
  await holder.release();
  const outcomes = await both;
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
});

/** An open transaction in which the user has just got a key. */
async function hold(userId: string) {
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const ended = db.transaction().execute(async (tx) => {
    await insertMints(tx, [mintOf({ userId })]);
    held.resolve();
    await released.promise;
  });
  await held.promise;
  const release = () => {
    released.resolve();
    return ended;
  };
  return { release };
}

test('a mint for a place that an open transaction holds does not fail the mints of its batch', async () => {
  const insertMint = mintsInBatches(stores.observed((_text, run) => run(), { lockTimeoutMs: 200 }));
  const userId = randomUUID();
  const holder = await hold(userId);
  const free = [mintOf(), mintOf()];
  const outcomes = await Promise.allSettled([
    insertMint(free[0] as Mint),
    insertMint(mintOf({ userId })),
    insertMint(free[1] as Mint),
  ]);
  await holder.release();
  expect(outcomes).toMatchObject([
    { status: 'fulfilled', value: inserted },
    { status: 'rejected', reason: { code: 'DEPENDENCY_UNAVAILABLE' } },
    { status: 'fulfilled', value: inserted },
  ]);
  expect(await eventsOf(free)).toHaveLength(2);
});
