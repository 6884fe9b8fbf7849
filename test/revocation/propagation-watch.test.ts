import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Audience } from '../../src/domain/key-change.ts';
import { toPropagation } from '../../src/http/propagation.ts';
import { PropagationWatch } from '../../src/revocation/propagation-watch.ts';
import { insertMasterKey } from '../../src/stores/postgres/master-keys/master-keys.ts';
import { updateHubProgress } from '../../src/stores/postgres/verifiers/hubs.ts';
import { upsertVerifier } from '../../src/stores/postgres/verifiers/verifiers.ts';
import { testMasterKey } from '../support/callers.ts';
import { openStores } from '../support/stores.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());
beforeEach(() => db.deleteFrom('verifiers').execute());

const seq = 10;
const behind = seq - 1;

/** With a lease that begins now. */
function register(verifier: { id: string; appliedSeq: number; leaseMs: number; masterKeyId?: string }) {
  return upsertVerifier(db, { ...verifier, isLive: true });
}

/** A verifier without followers says how far it is. */
function report(id: string, appliedSeq: number) {
  return updateHubProgress(db, id, {
    settledSeq: appliedSeq,
    reachedSeq: appliedSeq,
    followers: {},
    laggards: [],
  });
}

/** As callers see it, for a change that concerns every verifier. */
async function waitFor(watch: PropagationWatch, place: number | undefined) {
  return toPropagation(
    await watch.wait(place === undefined ? undefined : { seq: place, audience: 'everybody' }),
  );
}

test('a change that took nothing away is complete as it stands', async () => {
  await register({ id: 'behind', appliedSeq: behind, leaseMs: 60_000 });
  const { propagation, propagation_detail } = await waitFor(new PropagationWatch(db, 60_000), undefined);
  expect(propagation).toBe('complete');
  expect(propagation_detail).toMatchObject({ acknowledged: 0, total: 0, waited_ms: 0 });
});

describe('a change is complete', () => {
  test('when nobody verifies', async () => {
    const { propagation, propagation_detail } = await waitFor(new PropagationWatch(db, 60_000), seq);
    expect(propagation).toBe('complete');
    expect(propagation_detail).toMatchObject({ acknowledged: 0, total: 0 });
  });

  test('when every verifier has applied it, and not a moment before', async () => {
    for (const id of ['one', 'other']) await register({ id, appliedSeq: behind, leaseMs: 60_000 });
    let isAnswered = false;
    const answer = waitFor(new PropagationWatch(db, 60_000), seq).finally(() => {
      isAnswered = true;
    });
    await report('one', seq + 5);
    await sleep(150);
    expect(isAnswered).toBe(false);
    await report('other', seq);
    const { propagation, propagation_detail } = await answer;
    expect(propagation).toBe('complete');
    expect(propagation_detail).toMatchObject({ acknowledged: 2, total: 2 });
    expect(propagation_detail.waited_ms).toBeGreaterThanOrEqual(150);
  });

  test('without a verifier whose lease is over: it asks Postgres anyway', async () => {
    await register({ id: 'lapsed', appliedSeq: behind, leaseMs: 0 });
    const { propagation, propagation_detail } = await waitFor(new PropagationWatch(db, 60_000), seq);
    expect(propagation).toBe('complete');
    expect(propagation_detail.total).toBe(0);
  });

  test('as soon as the lease of a verifier that is silent ends', async () => {
    await register({ id: 'silent', appliedSeq: behind, leaseMs: 400 });
    const { lease_until: until } = await db
      .selectFrom('verifiers')
      .select('lease_until')
      .executeTakeFirstOrThrow();
    const { propagation } = await waitFor(new PropagationWatch(db, 60_000), seq);
    expect(propagation).toBe('complete');
    expect(Date.now(), 'and not before').toBeGreaterThanOrEqual(until.getTime() - 50);
  });
});

test('a change is pending, with the end of the last open lease, when a verifier does not acknowledge', async () => {
  await register({ id: 'well', appliedSeq: seq, leaseMs: 90_000 });
  await register({ id: 'silent', appliedSeq: behind, leaseMs: 30_000 });
  await register({ id: 'silent too', appliedSeq: behind, leaseMs: 60_000 });
  const lease = await db
    .selectFrom('verifiers')
    .select('lease_until')
    .where('id', '=', 'silent too')
    .executeTakeFirstOrThrow();
  const watch = new PropagationWatch(db, 60_000);
  const [{ propagation, propagation_detail }, settled] = await Promise.all([
    waitFor(watch, seq),
    waitFor(watch, behind),
  ]);
  expect(propagation).toBe('pending');
  expect(propagation_detail).toMatchObject({ acknowledged: 1, total: 3 });
  expect(propagation_detail.effective_by).toBe(lease.lease_until.toISOString());
  expect(propagation_detail.waited_ms).toBeGreaterThanOrEqual(2_000);
  expect(settled.propagation, 'another change does not wait along').toBe('complete');
});

test('when Postgres cannot be asked, a change is pending for at most one lease', async () => {
  const away = stores.observed(() => Promise.reject(new Error('away')));
  const leaseMs = 30_000;
  const startedMs = Date.now();
  const { propagation, propagation_detail } = await waitFor(new PropagationWatch(away, leaseMs), seq);
  expect(propagation).toBe('pending');
  const effectiveMs = Date.parse(propagation_detail.effective_by);
  expect(effectiveMs).toBeGreaterThanOrEqual(startedMs + leaseMs - 50);
  expect(effectiveMs).toBeLessThanOrEqual(Date.now() + leaseMs);
});

test("a change is pending for as long as the longest lease that was ever seen, not for this process's own length", async () => {
  await register({ id: 'registered when leases were longer', appliedSeq: seq, leaseMs: 90_000 });
  let isAway = false;
  const db = stores.observed((_text, run) => (isAway ? Promise.reject(new Error('away')) : run()));
  const watch = new PropagationWatch(db, 3_000);
  await waitFor(watch, seq);
  isAway = true;
  const { propagation_detail } = await waitFor(watch, seq);
  expect(Date.parse(propagation_detail.effective_by)).toBeGreaterThan(Date.now() + 80_000);
  const other = new PropagationWatch(db, 3_000);
  other.noteLease(60_000);
  const { effectiveBy } = await other.wait({ seq, audience: 'everybody' });
  expect(effectiveBy.getTime()).toBeGreaterThan(Date.now() + 50_000);
});

describe('a change waits only for verifiers whose master key can see the changed key', () => {
  const masterKeys = { all: null, acme: ['org_acme'], other: ['org_other'] };

  beforeEach(async () => {
    await db.deleteFrom('master_keys').execute();
    for (const [id, organizationIds] of Object.entries(masterKeys)) {
      const masterKey = { ...testMasterKey, id, organizationIds };
      await insertMasterKey(db, masterKey, { digest: { pepperId: 'p1', digest: Buffer.from(id) } });
      await register({ id, appliedSeq: behind, leaseMs: 60_000, masterKeyId: id });
    }
  });

  const heldUpBy = async (audience: Audience) => {
    const { heldUpBy } = await new PropagationWatch(db, 60_000).wait({ seq, audience });
    return heldUpBy.map(({ masterKeyId }) => masterKeyId).sort();
  };

  test('of its organization, or of all of them', async () => {
    const places = [{ organizationId: 'org_acme', environment: 'prod' }];
    expect(await heldUpBy({ places })).toEqual(['acme', 'all']);
  });

  test('a master key only for the verifiers that act by it', async () => {
    expect(await heldUpBy({ masterKeyId: 'other' })).toEqual(['other']);
  });

  test('an API process for every change', async () => {
    await db.deleteFrom('verifiers').execute();
    await register({ id: 'api', appliedSeq: behind, leaseMs: 60_000 });
    expect(await heldUpBy({ masterKeyId: 'other' })).toEqual([null]);
    expect(await heldUpBy({ places: [{ organizationId: 'org_x', environment: null }] })).toEqual([null]);
  });

  test('in its environment', async () => {
    await db
      .updateTable('master_keys')
      .set({ environments: ['test'] })
      .where('id', '=', 'acme')
      .execute();
    const prod = { places: [{ organizationId: 'org_acme', environment: 'prod' }] };
    expect(await heldUpBy(prod)).toEqual(['all']);
    const whole = { places: [{ organizationId: 'org_acme', environment: null }] };
    expect(await heldUpBy(whole)).toEqual(['acme', 'all']);
  });
});

test('a process that begins anew is waited for until its earlier lease is over', async () => {
  const id = 'begins-anew';
  await register({ id, appliedSeq: 7, leaseMs: 60_000 });
  await upsertVerifier(db, { id, appliedSeq: 3, leaseMs: 60_000, isLive: false });
  const row = await db
    .selectFrom('verifiers')
    .select(['applied_seq', 'lease_until'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  expect(row.applied_seq).toBe(3);
  expect(row.lease_until.getTime()).toBeGreaterThan(Date.now());
  await db.deleteFrom('verifiers').where('id', '=', id).execute();
});
