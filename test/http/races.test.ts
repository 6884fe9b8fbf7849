import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../support/broker.ts';
import type { Answer } from '../support/call.ts';
import { expectError } from '../support/errors.ts';
import { insist } from '../support/insist.ts';
import { keysPath, mint, newOwner, type Owner, refresh, revoke, verify } from '../support/keys.ts';

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
const tryMint = (owner: Owner, at = broker) =>
  at.call(`POST ${keysPath}`, { body: { user_id: owner.user_id, organization_id: owner.organization_id } });

/**
 * All at once; waits for the slowest also when one fails, so that nothing is still running when the
 * broker closes.
 */
async function many<T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> {
  const settled = await Promise.allSettled(Array.from({ length: count }, (_, index) => act(index)));
  return settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

function countActive({ user_id }: Owner): Promise<number> {
  return sql<{ most: number }>`
    SELECT coalesce(max(count), 0)::int AS most FROM (
      SELECT count(*) FROM api_keys WHERE user_id = ${user_id} AND status = 'active'
      GROUP BY organization_id, environment) AS active`
    .execute(broker.db)
    .then(({ rows }) => rows[0]?.most ?? 0);
}

test('of 200 mints at once for one user in one organization one wins, the others learn its id', async () => {
  const owner = newOwner();
  const answers = await many(200, (index) => insist(() => tryMint(owner, oneOf(index))));
  const [winner, ...others] = answers.sort((a, b) => a.status - b.status);
  expect(winner?.status).toBe(201);
  for (const answer of others) {
    expect(expectError(answer, 409, 'KEY_ALREADY_EXISTS')).toEqual({ key_id: winner?.body.key_id });
  }
  expect(await countActive(owner)).toBe(1);
  expect((await verify(replica, winner?.body.key)).code).toBe('VALID');
});

test('of 50 refreshes at once all succeed in turn, and only the last key lives', async () => {
  const owner = await mint(broker);
  const answers = await many(50, (index) => insist(() => refresh(oneOf(index), owner)));
  expect(answers.map((answer) => answer.status)).toEqual(Array(50).fill(200));
  const keys = [owner.key, ...answers.map((answer) => answer.body.new_key.key)];
  expect(new Set(keys).size).toBe(51);
  const codes = await Promise.all(keys.map(async (key) => (await verify(replica, key)).code));
  expect(codes.filter((code) => code === 'VALID')).toHaveLength(1);
  expect(codes.filter((code) => code === 'REVOKED')).toHaveLength(50);
  expect(await countActive(owner)).toBe(1);
});

test('however mint, refresh and the revokes race, there is never a second active key nor a fault', async () => {
  const owner = await mint(broker);
  const { user_id, organization_id } = owner;
  const newest = async (at: TestBroker) =>
    (await at.call(`GET ${keysPath}?user_id=${user_id}&limit=1`)).body.data[0].key_id as string;
  const moves: Array<(at: TestBroker) => Promise<Answer>> = [
    (at) => tryMint(owner, at),
    (at) => refresh(at, owner),
    (at) => refresh(at, owner, { grace_period_seconds: 60 }),
    (at) => at.call(`DELETE ${keysPath}/${user_id}/${organization_id}`),
    (at) => at.call(`DELETE ${keysPath}/user/${user_id}`),
    async (at) => revoke(at, await newest(at)),
  ];
  let isRacing = true;
  const samples: number[] = [];
  const sampling = (async () => {
    while (isRacing) {
      samples.push(await countActive(owner));
      await sleep(2);
    }
  })();
  const answers: Answer[] = [];
  await many(12, async (racer) => {
    for (let turn = 0; turn < 10; turn++) {
      const move = moves[(racer * 7 + turn * 5) % moves.length];
      if (move !== undefined) answers.push(await insist(() => move(oneOf(racer))));
    }
  });
  isRacing = false;
  await sampling;
  expect(answers).toHaveLength(120);
  expect(answers.filter(({ status }) => ![200, 201, 404, 409].includes(status))).toEqual([]);
  expect(samples.length).toBeGreaterThan(10);
  expect(Math.max(...samples)).toBe(1);
});

test('a revoke that has answered `complete` beats every verification after it, on every replica', async () => {
  const seen = { validBefore: 0, refusedAfter: 0 };
  await many(6, async (lane) => {
    for (let round = 0; round < 8; round++) {
      const owner = await mint(broker);
      let propagation: string | undefined;
      const revoking = async () => {
        await sleep(lane % 3);
        try {
          const answer = await insist(() => revoke(oneOf(lane + round), owner.key_id));
          propagation = answer.body.propagation;
        } finally {
          propagation ??= 'unknown';
        }
      };
      const verifying = async (at: TestBroker) => {
        for (;;) {
          const before = propagation;
          const body = { key: owner.key };
          const { code } = (await insist(() => at.call(`POST ${keysPath}/verify`, { body }))).body;
          if (before === 'complete') expect(code).toBe('REVOKED');
          if (code === 'VALID') seen.validBefore += 1;
          else expect(code).toBe('REVOKED');
          if (before === 'complete') seen.refusedAfter += 1;
          if (before !== undefined) return;
        }
      };
      await many(7, (index) => (index === 0 ? revoking() : verifying(oneOf(index))));
    }
  });
  expect(seen.validBefore).toBeGreaterThan(0);
  expect(seen.refusedAfter).toBeGreaterThan(100);
});

test('a refresh and a revoke of everything leave no successor behind that the revoke did not see', async () => {
  await many(10, async (index) => {
    const owner = await mint(broker);
    const [refreshed, revoked] = await Promise.all([
      insist(() => refresh(oneOf(index), owner)),
      insist(() => oneOf(index + 1).call(`DELETE ${keysPath}/user/${owner.user_id}`)),
    ]);
    expect(revoked.status).toBe(200);
    expect(await countActive(owner)).toBe(0);
    expect((await verify(broker, owner.key)).code).toBe('REVOKED');
    if (refreshed.status !== 200) expectError(refreshed, 404, 'KEY_NOT_FOUND');
    else expect((await verify(replica, refreshed.body.new_key.key)).code).toBe('REVOKED');
  });
});
