import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { FlowplateVerifier } from '../../src/sdk/verifier.ts';
import { revokeMasterKey } from '../../src/usecases/master-keys/revoke-master-key.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker, testOrigin } from '../support/broker.ts';
import { startDroppingProxy } from '../support/dropping-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { mint, revoke, revokeEverywhere } from '../support/keys.ts';
import { codeOf, type Embedded, embed, warm } from './embedded.ts';
import { newLink } from './link.ts';

const leaseMs = 3_000;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ LEASE_MS: String(leaseMs) });
});
afterEach(endAll);
afterAll(() => broker.close());

const held = (verifier: Embedded, isHeld: boolean) =>
  eventually(
    10_000,
    () => verifier.isLeaseHeld(),
    (is) => is === isHeld,
  );

const hubsOfFollowers = () =>
  broker.db.selectFrom('verifiers').select('hub_id').where('master_key_id', 'is not', null).execute();

const portOf = ({ url }: Pick<TestBroker, 'url'>) => Number(new URL(url).port);

test('it holds its lease from the process that it is connected to, and each revoke reaches it', async () => {
  const verifier = await embed(broker);
  await eventually(5_000, hubsOfFollowers, ([row]) => row?.hub_id === broker.api.parts.following.hubId);
  for (let count = 0; count < 20; count++) {
    const { key, key_id } = await mint(broker);
    expect(await warm(verifier, key)).toBe('VALID');
    await revokeEverywhere(broker, key_id);
    expect(verifier.verifyNow({ key })?.code).not.toBe('VALID');
  }
  // A busy database is no fault of the connection.
  const isBusy = (fault: unknown) => (fault as { code?: unknown }).code === 'DEPENDENCY_UNAVAILABLE';
  expect(verifier.faults.filter((fault) => !isBusy(fault))).toEqual([]);
});

test('with a fetch of its own it has a row of its own, since a stream would go around that', async () => {
  await embed(broker, { fetch: newLink().fetch });
  expect((await hubsOfFollowers()).map(({ hub_id }) => hub_id)).toEqual([null]);
});

test('with a fetch of its own and a place for the stream it is connected there', async () => {
  const asked: string[] = [];
  await embed(broker, {
    fetch: newLink().fetch,
    streamBaseUrl: () => {
      asked.push(broker.url);
      return `${broker.url}/`;
    },
  });
  await eventually(5_000, hubsOfFollowers, ([row]) => row?.hub_id === broker.api.parts.following.hubId);
  expect(asked).toEqual([broker.url]);
});

test('a start that was refused may be repeated, once the master key is good', async () => {
  const masterKey = newSecret('master', 'test', randomBytes);
  const verifier = new FlowplateVerifier({ baseUrl: broker.url, masterKey });
  atEnd(() => verifier.close());
  for (let tries = 0; tries < 2; tries += 1) {
    await expect(verifier.start()).rejects.toMatchObject({ status: 401 });
  }
  await broker.createMasterKey({}, masterKey);
  await verifier.start();
  expect(verifier.isLeaseHeld()).toBe(true);
});

test('cut off, it goes on from memory until its lease ends, no revoke is complete before, and back again it goes on', async () => {
  const proxy = await startDroppingProxy(portOf(broker));
  const verifier = await embed({ ...broker, url: proxy.through(broker.url) });
  const [one, other] = [await mint(broker), await mint(broker)];
  for (const { key } of [one, other]) await warm(verifier, key);
  proxy.drop();
  const { status, body } = await revoke(broker, one.key_id);
  expect([status, body.propagation]).toEqual([202, 'pending']);
  const effectiveMs = Date.parse(body.propagation_detail.effective_by);
  await eventually(
    10_000,
    () => Date.now(),
    (nowMs) => nowMs > effectiveMs,
  );
  expect(verifier.verifyNow({ key: one.key })).toBeUndefined();
  proxy.restore();
  await held(verifier, true);
  expect(await codeOf(verifier, one.key)).toBe('REVOKED');
  expect(await codeOf(verifier, other.key)).toBe('VALID');
});

test('it asks for a lease so often that it outlives its broker by two thirds of one', async () => {
  const proxy = await startDroppingProxy(portOf(broker));
  const verifier = await embed({ ...broker, url: proxy.through(broker.url) });
  const { key } = await mint(broker);
  await warm(verifier, key);
  await sleep(leaseMs / 2);
  proxy.drop();
  const cutMs = performance.now();
  while (verifier.verifyNow({ key })?.code === 'VALID') await sleep(5);
  const lastedMs = performance.now() - cutMs;
  proxy.restore();
  expect(lastedMs).toBeGreaterThan((leaseMs * 2) / 3);
  expect(lastedMs).toBeLessThan(leaseMs);
});

test('its connection lost, it begins at another process, and nobody waits for the lease that it had', async () => {
  const other = await broker.replica();
  const proxy = await startDroppingProxy(portOf(broker));
  const verifier = await embed({ ...broker, url: proxy.through(broker.url) });
  const { key } = await mint(broker);
  await warm(verifier, key);
  proxy.leadTo(portOf(other));
  await eventually(5_000, hubsOfFollowers, ([row]) => row?.hub_id === other.api.parts.following.hubId);
  await held(verifier, true);
  // Its memory moved with it.
  expect(verifier.verifyNow({ key })?.code).toBe('VALID');
  const { key_id } = await mint(broker);
  await revokeEverywhere(broker, key_id);
  await verifier.close();
  await other.close();
});

test('a process that stops hands it on: no key is refused, and its row goes at once', async () => {
  const other = await broker.replica();
  const proxy = await startDroppingProxy(portOf(other));
  const verifier = await embed({ ...broker, url: proxy.through(broker.url) });
  const { key } = await mint(broker);
  await warm(verifier, key);
  const codes: string[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      codes.push(await codeOf(verifier, key));
      await sleep(1);
    }
  })();
  const { hubId } = other.api.parts.following;
  // As a load balancer does with a process that is no longer ready.
  proxy.leadNewTo(portOf(broker));
  other.drain();
  await eventually(5_000, hubsOfFollowers, ([row]) => row?.hub_id === broker.api.parts.following.hubId);
  await other.close();
  isOver = true;
  await asking;
  expect(new Set(codes)).toEqual(new Set(['VALID']));
  const rows = await broker.db.selectFrom('verifiers').select('id').where('id', '=', hubId).execute();
  expect(rows).toEqual([]);
  await revokeEverywhere(broker, (await mint(broker)).key_id);
});

test('its master key revoked, it answers nothing from memory any more', async () => {
  const { id, secret } = await broker.createMasterKey();
  const verifier = await embed({ ...broker, masterKey: secret });
  const { key } = await mint(broker);
  await warm(verifier, key);
  await revokeMasterKey(broker.api.parts, testOrigin, id);
  expect(verifier.verifyNow({ key })).toBeUndefined();
  expect(verifier.isLeaseHeld()).toBe(false);
});

test('closed, it is waited for no more, and has no row', async () => {
  await broker.db.deleteFrom('verifiers').where('master_key_id', 'is not', null).execute();
  const verifier = await embed(broker);
  await verifier.close();
  expect(await hubsOfFollowers()).toEqual([]);
  await revokeEverywhere(broker, (await mint(broker)).key_id);
});
