import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lockUserKeys } from '../../src/stores/postgres/user-keys/user-keys.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import type { Answer } from '../support/call.ts';
import { expectError } from '../support/errors.ts';
import { countKeys, mintUnder, newIdempotencyKey, refreshUnder } from '../support/idempotency.ts';
import { insist } from '../support/insist.ts';
import { mint, newOwner, revoke } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

test('50 copies of a mint at once over two replicas make one key, and all get the same answer', async () => {
  const replica = await broker.replica();
  const [owner, key] = [newOwner(), newIdempotencyKey()];
  const { secret: as } = await broker.createMasterKey();
  const copies = Array.from({ length: 50 }, (_, index) =>
    insist(() => mintUnder(index % 2 === 0 ? broker : replica, key, owner, as)),
  );
  const answers = await Promise.all(copies);
  await replica.close();
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
  expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
  // None, if the one that minted was answered too late and came back.
  const originals = answers.filter((answer) => !answer.headers.has('idempotency-replayed'));
  expect(originals.length).toBeLessThanOrEqual(1);
  expect(await countKeys(broker, owner)).toBe(1);
});

test('20 copies of a refresh at once refresh once', async () => {
  const [owner, key] = [await mint(broker), newIdempotencyKey()];
  const copies = Array.from({ length: 20 }, () => insist(() => refreshUnder(broker, key, owner)));
  const answers = await Promise.all(copies);
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
  expect(new Set(answers.map((answer) => answer.body.new_key.key)).size).toBe(1);
  expect(await countKeys(broker, owner)).toBe(2);
});

describe('409 IDEMPOTENCY_IN_PROGRESS', () => {
  const expectInProgress = (answer: Answer) => {
    expectError(answer, 409, 'IDEMPOTENCY_IN_PROGRESS');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  };

  test('a refresh that waits too long for another of the same user is told to come back, and then does', async () => {
    const [owner, key] = [await mint(broker), newIdempotencyKey()];
    await broker.db.transaction().execute(async (tx) => {
      await lockUserKeys(tx, owner.user_id);
      expectInProgress(await refreshUnder(broker, key, owner));
    });
    expect((await refreshUnder(broker, key, owner)).status).toBe(200);
    expect(await countKeys(broker, owner)).toBe(2);
  });

  test('a mint whose place is being taken by an unfinished one is told to come back, and then does', async () => {
    const [owner, key] = [await mint(broker), newIdempotencyKey()];
    await revoke(broker, owner.key_id);
    const { user_id, organization_id } = owner;
    const rollBack = new Error('rolled back');
    await broker.db
      .transaction()
      .execute(async (tx) => {
        await sql`UPDATE api_keys SET status = 'active' WHERE id = ${owner.key_id}`.execute(tx);
        expectInProgress(await mintUnder(broker, key, { user_id, organization_id }));
        throw rollBack;
      })
      .catch((error) => expect(error).toBe(rollBack));
    expect((await mintUnder(broker, key, { user_id, organization_id })).status).toBe(201);
  });
});
