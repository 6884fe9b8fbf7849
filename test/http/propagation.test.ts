import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint, refresh, revoke, update, verify } from '../support/keys.ts';
import { type StallingProxy, startStallingProxy } from '../support/stalling-proxy.ts';

const leaseMs = 3_000;

let broker: TestBroker;
let proxy: StallingProxy;
/** A replica whose way to Postgres can be stalled: it goes on from memory and hears of nothing. */
let deaf: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ LEASE_MS: String(leaseMs) });
  proxy = await startStallingProxy(broker.config.DATABASE_URL);
  deaf = await broker.replica({ DATABASE_URL: proxy.url });
});
afterAll(async () => {
  proxy.resume();
  await deaf.close();
  await proxy.close();
  await broker.close();
});

test('while a verifier cannot be told, no change says `complete`, and none is accepted after `effective_by`', async () => {
  const [revoked, refreshed, updated] = [await mint(broker), await mint(broker), await mint(broker)];
  const keys = [revoked.key, refreshed.key, updated.key];
  const codesAt = (at: TestBroker) =>
    Promise.all(
      keys.map(async (key) => {
        const { status, body } = await at.call(`POST ${keysPath}/verify`, { body: { key } });
        return status === 200 ? body.code : status;
      }),
    );
  expect(await codesAt(deaf)).toEqual(['VALID', 'VALID', 'VALID']);
  proxy.stall();
  expect((await verify(deaf, revoked.key)).code).toBe('VALID');
  const answers = await Promise.all([
    revoke(broker, revoked.key_id),
    refresh(broker, refreshed),
    update(broker, updated.key_id, { enabled: false }),
  ]);
  const answeredMs = Date.now();
  expect(await codesAt(broker)).toEqual(['REVOKED', 'REVOKED', 'DISABLED']);
  expect(answers.map((answer) => answer.status)).toEqual([202, 200, 200]);
  const ends = answers.map(({ body }) => {
    expect(body.propagation).toBe('pending');
    expect(body.propagation_detail).toMatchObject({ acknowledged: 1, total: 2 });
    return Date.parse(body.propagation_detail.effective_by);
  });
  const end = Math.max(...ends);
  expect(end).toBeLessThanOrEqual(answeredMs + leaseMs);
  await sleep(end - Date.now() + 1);
  for (const code of await codesAt(deaf)) expect(code).not.toBe('VALID');

  proxy.resume();
  const heard = await eventually(
    10_000,
    () => codesAt(deaf),
    (codes) => !codes.includes(503),
  );
  expect(heard).toEqual(['REVOKED', 'REVOKED', 'DISABLED']);
  const again = await revoke(broker, revoked.key_id);
  expect(again).toMatchObject({ status: 200, body: { revoked_count: 0, propagation: 'complete' } });
});
