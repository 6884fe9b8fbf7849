import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditEventsOf } from '../support/audit-events.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { expectError } from '../support/errors.ts';
import { keysPath, type Minted, mint, newOwner, refresh, revoke, verify } from '../support/keys.ts';
import { sweep } from '../support/sweep.ts';

let broker: TestBroker;
let replica: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});

const oneOf = (index: number) => (index % 2 === 0 ? broker : replica);
const renewal = { ttl_seconds: 3_600 };

async function expired(count: number, isSwept: boolean): Promise<Minted[]> {
  const minted = await Promise.all(Array.from({ length: count }, () => mint(broker, { ttl_seconds: 1 })));
  await sleep(1_100);
  if (isSwept)
    await sweep(
      broker,
      minted.map(({ key_id }) => key_id),
    );
  return minted;
}

async function activeKeysOf({ user_id }: Minted): Promise<string[]> {
  const rows = await sql<{ id: string }>`
    SELECT id FROM api_keys WHERE user_id = ${user_id} AND status = 'active'`.execute(broker.db);
  return rows.rows.map(({ id }) => id);
}

test.each([true, false])(
  'of 20 renewals at once all succeed in turn and the last key lives (swept: %s)',
  async (isSwept) => {
    const [old] = await expired(1, isSwept);
    if (old === undefined) throw new Error('it was minted');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => refresh(oneOf(index), old, renewal)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    const keys = answers.map(({ body }) => body.new_key as Minted);
    const codes = await Promise.all(keys.map(async ({ key }) => (await verify(replica, key)).code));
    expect(codes.filter((code) => code === 'VALID')).toHaveLength(1);
    expect(codes.filter((code) => code === 'REVOKED')).toHaveLength(19);
    expect(await activeKeysOf(old)).toEqual([keys[codes.indexOf('VALID')]?.key_id]);
  },
);

test.each([true, false])(
  'of a renewal and a mint at once one key lives, and both callers know (swept: %s)',
  async (isSwept) => {
    const outcomes = { mintedFirst: 0, renewedFirst: 0 };
    const race = async (old: Minted, index: number) => {
      const { user_id, organization_id } = old;
      const [minting, renewing] = await Promise.all([
        oneOf(index).call(`POST ${keysPath}`, { body: { user_id, organization_id } }),
        refresh(oneOf(index + 1), old, renewal),
      ]);
      expect(renewing.status, JSON.stringify(renewing.body)).toBe(200);
      const renewed: Minted = renewing.body.new_key;
      if (minting.status === 201) {
        outcomes.mintedFirst += 1;
        expect((await verify(replica, minting.body.key)).code).toBe('REVOKED');
      } else {
        outcomes.renewedFirst += 1;
        expect(expectError(minting, 409, 'KEY_ALREADY_EXISTS')).toEqual({ key_id: renewed.key_id });
      }
      expect((await verify(broker, renewed.key)).code).toBe('VALID');
      expect((await verify(broker, old.key)).valid).toBe(false);
      expect(await activeKeysOf(old)).toEqual([renewed.key_id]);
    };
    const all = await expired(40, isSwept);
    for (let start = 0; start < all.length; start += 8) {
      await Promise.all(all.slice(start, start + 8).map((old, index) => race(old, start + index)));
    }
    expect(outcomes.mintedFirst + outcomes.renewedFirst).toBe(40);
  },
);

test('a renewal that finds its place taken by an unfinished mint refreshes what was minted', async () => {
  const owner = newOwner();
  const minted = await mint(broker, owner);
  await revoke(broker, minted.key_id);
  const { key_id: expiredId } = await mint(broker, { ...owner, ttl_seconds: 1 });
  await sleep(1_100);
  await sweep(broker, [expiredId]);
  let renewing: ReturnType<typeof refresh> | undefined;
  await broker.db.transaction().execute(async (tx) => {
    await sql`UPDATE api_keys SET status = 'active', revoked_at = NULL WHERE id = ${minted.key_id}`.execute(
      tx,
    );
    renewing = refresh(replica, owner, renewal);
    await sleep(500);
  });
  const answer = await renewing;
  expect(answer?.status, JSON.stringify(answer?.body)).toBe(200);
  const { key_id } = answer?.body.new_key ?? {};
  expect(await auditEventsOf(broker, { targetId: key_id })).toMatchObject([
    { event_type: 'key.refreshed', details: { previous_key_id: minted.key_id } },
  ]);
  expect(await activeKeysOf({ ...minted, ...owner })).toEqual([key_id]);
});

test('a renewal and a revoke of the user at once leave no key behind that the revoke did not see', async () => {
  for (const [index, old] of (await expired(10, true)).entries()) {
    const [renewing, revoking] = await Promise.all([
      refresh(oneOf(index), old, renewal),
      oneOf(index + 1).call(`DELETE ${keysPath}/user/${old.user_id}`),
    ]);
    expect(revoking.status).toBe(200);
    expect(await activeKeysOf(old)).toEqual([]);
    if (renewing.status !== 200) expectError(renewing, 404, 'KEY_NOT_FOUND');
    else expect((await verify(replica, renewing.body.new_key.key)).code).toBe('REVOKED');
  }
});
