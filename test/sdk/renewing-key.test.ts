import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FlowplateClient } from '../../src/sdk/client.ts';
import { type HeldKey, RenewingKey } from '../../src/sdk/renewing-key.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { keysPath, newOwner, verify } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const clientWith = (more: { fetch?: typeof fetch } = {}) =>
  new FlowplateClient({ baseUrl: broker.url, masterKey: broker.masterKey, retriesMax: 0, ...more });

test('a key is renewed again and again under requests that never pause, and none is refused', async () => {
  const held = await clientWith().mint({ ...newOwner(), ttl_seconds: 60 });
  // Half a second after its making each key is due.
  const renewed: HeldKey[] = [];
  let isDone = false;
  const key = new RenewingKey({
    client: clientWith(),
    held,
    ttlSeconds: 60,
    renewAheadSeconds: 59.5,
    onRenewed: (one) => {
      renewed.push(one);
      isDone = renewed.length >= 4;
    },
  });
  const codes = new Map<string, number>();
  const used = new Set<string>();
  const callUntilDone = async () => {
    while (!isDone || !used.has(key.key)) {
      const secret = key.key;
      const { status, body } = await broker.call(`POST ${keysPath}/verify`, { body: { key: secret } });
      // A machine that is too busy to decide has refused nothing.
      if (status === 503) continue;
      const { code } = body;
      used.add(secret);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
  };
  key.start();
  await Promise.all([1, 2, 3, 4].map(callUntilDone));
  key.close();
  expect([...codes.keys()].filter((code) => code !== 'VALID' && code !== 'SUPERSEDED')).toEqual([]);
  expect(new Set(renewed.map((one) => one.key)).size).toBe(renewed.length);
  expect(used.size).toBeGreaterThanOrEqual(3);
});

test('a lost answer and a failed store cost no second key, and the old one is used until then', async () => {
  const held = await clientWith().mint({ ...newOwner(), ttl_seconds: 3_600 });
  let lost = 0;
  const loseTheFirst: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    if (lost++ === 0) throw new TypeError('cut');
    return answer;
  };
  const stored: string[] = [];
  const key = new RenewingKey({
    client: clientWith({ fetch: loseTheFirst }),
    held,
    ttlSeconds: 3_600,
    onRenewed: ({ key: secret }) => {
      stored.push(secret);
      if (stored.length === 1) throw new Error('the store is away');
    },
  });
  await expect(key.renew()).rejects.toThrow('could not be reached');
  await expect(key.renew()).rejects.toThrow('the store is away');
  expect(key.key).toBe(held.key);
  expect((await verify(broker, key.key)).code).toBe('SUPERSEDED');
  const [one, other] = await Promise.all([key.renew(), key.renew()]);
  expect(one).toBe(other);
  expect(stored).toEqual([one.key, one.key]);
  expect(key.key).toBe(one.key);
  expect((await verify(broker, key.key)).code).toBe('VALID');
  const refreshes = await broker.db
    .selectFrom('audit_events')
    .select('id')
    .where('event_type', '=', 'key.refreshed')
    .where('organization_id', '=', held.organization_id)
    .execute();
  expect(refreshes).toHaveLength(1);
});

test('keys that would be due before they live are refused', () => {
  const held = { ...newOwner(), key: 'k', created_at: new Date().toISOString() };
  const wanted = { client: clientWith(), held, ttlSeconds: 60, renewAheadSeconds: 60 };
  expect(() => new RenewingKey(wanted)).toThrow(RangeError);
});

test('after its end nothing is renewed, also when it ends during a renewal', async () => {
  const held = await clientWith().mint({ ...newOwner(), ttl_seconds: 60 });
  let renewals = 0;
  let end: () => void = () => undefined;
  const key = new RenewingKey({
    client: clientWith(),
    held,
    ttlSeconds: 60,
    renewAheadSeconds: 59.9,
    onRenewed: () => {
      renewals += 1;
      end();
    },
  });
  const ended = new Promise<void>((resolve) => {
    end = () => {
      key.close();
      resolve();
    };
  });
  key.start();
  await ended;
  // Three times as long as the next one would take to come.
  await sleep(600);
  expect(renewals).toBe(1);
});
