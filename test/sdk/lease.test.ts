import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  FlowplateApiError,
  FlowplateUndecidedError,
  FlowplateUnreachableError,
} from '../../src/sdk/errors.ts';
import { FlowplateVerifier } from '../../src/sdk/verifier.ts';
import { revokeMasterKey } from '../../src/usecases/master-keys/revoke-master-key.ts';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker, testOrigin } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { append, revisionOf } from '../support/feed.ts';
import { mint, revoke, revokeEverywhere } from '../support/keys.ts';
import { codeOf, type Embedded, embed as embedUntilTheEnd, warm } from './embedded.ts';
import { newLink } from './link.ts';

const leaseMs = 3_000;

let broker: TestBroker;
let running: Embedded[] = [];
beforeAll(async () => {
  broker = await startBroker({ LEASE_MS: String(leaseMs) });
});
afterEach(async () => {
  for (const verifier of running) await verifier.close();
  running = [];
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

/** Closed when its test has finished: another's row would be waited for. */
async function embed(...args: Parameters<typeof embedUntilTheEnd>): Promise<Embedded> {
  const verifier = await embedUntilTheEnd(...args);
  running.push(verifier);
  return verifier;
}

const held = (verifier: FlowplateVerifier, isHeld: boolean) =>
  eventually(
    10_000,
    () => verifier.isLeaseHeld(),
    (is) => is === isHeld,
  );

const codeOfFault = (fault: unknown) => (fault instanceof FlowplateApiError ? fault.code : undefined);

const embeddedRows = () =>
  broker.db.selectFrom('verifiers').select('id').where('master_key_id', 'is not', null).execute();

describe('without its broker', () => {
  test('it goes on from memory until its lease ends, and then refuses; back again, it goes on', async () => {
    const link = newLink();
    const verifier = await embed(broker, { fetch: link.fetch });
    const { key } = await mint(broker);
    await warm(verifier, key);
    link.cut();
    const cutMs = performance.now();
    expect(await codeOf(verifier, key)).toBe('VALID');
    for (let now = verifier.verifyNow({ key }); now !== undefined; now = verifier.verifyNow({ key })) {
      expect(now.code).toBe('VALID');
      await sleep(5);
    }
    expect(verifier.isLeaseHeld()).toBe(false);
    expect(performance.now() - cutMs).toBeLessThan(leaseMs + 500);
    expect(verifier.verifyNow({ key })).toBeUndefined();
    const refused = await verifier.verify({ key }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(FlowplateUndecidedError);
    expect((refused as Error).cause).toBeInstanceOf(FlowplateUnreachableError);
    link.mend();
    await held(verifier, true);
    expect(await codeOf(verifier, key)).toBe('VALID');
  });

  test('a key that memory does not know is refused at once, and the lease changes nothing in that', async () => {
    const link = newLink();
    const verifier = await embed(broker, { fetch: link.fetch });
    const { key } = await mint(broker);
    link.cut();
    expect(verifier.isLeaseHeld()).toBe(true);
    await expect(verifier.verify({ key })).rejects.toThrow(FlowplateUndecidedError);
  });

  test('a revoke meanwhile is pending until the lease has ended, and known afterwards', async () => {
    const link = newLink();
    const verifier = await embed(broker, { fetch: link.fetch });
    const { key, key_id } = await mint(broker);
    await warm(verifier, key);
    link.cut();
    const { status, body } = await revoke(broker, key_id);
    expect([status, body.propagation]).toEqual([202, 'pending']);
    const effectiveMs = Date.parse(body.propagation_detail.effective_by);
    await eventually(
      10_000,
      () => Date.now(),
      (nowMs) => nowMs > effectiveMs,
    );
    expect(verifier.verifyNow({ key })).toBeUndefined();
    link.mend();
    await held(verifier, true);
    expect(await codeOf(verifier, key)).toBe('REVOKED');
  });

  test('it may be started before its broker, and refuses until it is there', async () => {
    const link = newLink();
    link.cut();
    const verifier = await embed(broker, { fetch: link.fetch });
    const { key } = await mint(broker);
    await expect(verifier.verify({ key })).rejects.toThrow(FlowplateUndecidedError);
    expect(verifier.faults.length).toBeGreaterThan(0);
    link.mend();
    await held(verifier, true);
    expect(await codeOf(verifier, key)).toBe('VALID');
  });
});

test('it counts from before its heartbeat was sent: an answer that is long in coming brings what is left, or nothing', async () => {
  const link = newLink();
  const verifier = await embed(broker, { fetch: link.fetch });
  const { key, key_id } = await mint(broker);
  await warm(verifier, key);
  const answer = link.hold('/heartbeat');
  await answer.reached;
  const { body } = await revoke(broker, key_id);
  expect(body.propagation).toBe('pending');
  const effectiveMs = Date.parse(body.propagation_detail.effective_by);
  await eventually(
    10_000,
    () => Date.now(),
    (nowMs) => nowMs > effectiveMs,
  );
  // From here on nobody accepts it. The answer that comes now is older than the revoke and does not
  // tell of it.
  const codes = new Set<string | undefined>();
  answer.release();
  while (!verifier.isLeaseHeld()) {
    codes.add(verifier.verifyNow({ key })?.code);
    await new Promise(setImmediate);
  }
  codes.add(verifier.verifyNow({ key })?.code);
  expect(codes).toEqual(new Set([undefined]));
  expect(await codeOf(verifier, key)).toBe('REVOKED');
});

test("without a lease, and with its broker, each verification is the broker's", async () => {
  const link = newLink();
  const withoutFeed: typeof fetch = async (input, init) =>
    String(input).includes('/verifiers') ? Promise.reject(new TypeError('cut')) : link.fetch(input, init);
  const verifier = await embed(broker, { fetch: withoutFeed });
  const { key, key_id } = await mint(broker);
  expect(verifier.isLeaseHeld()).toBe(false);
  expect(await codeOf(verifier, key)).toBe('VALID');
  await revoke(broker, key_id);
  expect(await codeOf(verifier, key)).toBe('REVOKED');
  expect(link.asked('/api-keys/verify')).toBe(2);
});

describe('its row', () => {
  test('gone, it empties its memory and registers anew, and is exact again', async () => {
    const link = newLink();
    const verifier = await embed(broker, { fetch: link.fetch });
    const { key, key_id } = await mint(broker);
    await warm(verifier, key);
    await broker.db.deleteFrom('verifiers').where('master_key_id', 'is not', null).execute();
    await eventually(
      10_000,
      () => link.asked('/verifiers'),
      (count) => count === 2,
    );
    await held(verifier, true);
    expect(verifier.verifyNow({ key })).toBeUndefined();
    await warm(verifier, key);
    await revokeEverywhere(broker, key_id);
    expect(await codeOf(verifier, key)).toBe('REVOKED');
  });

  test('restored to an older state, it is left, and another one taken', async () => {
    const link = newLink();
    const verifier = await embed(broker, { fetch: link.fetch });
    const { key, key_id } = await mint(broker);
    await warm(verifier, key);
    await revoke(broker, key_id);
    await broker.db
      .updateTable('verifiers')
      .set({ applied_seq: 0 })
      .where('master_key_id', 'is not', null)
      .execute();
    await eventually(
      10_000,
      () => link.asked('/verifiers'),
      (count) => count === 2,
    );
    await held(verifier, true);
    expect(await codeOf(verifier, key)).toBe('REVOKED');
  });

  test('told a change in an answer that is lost, it is left, and another one taken', async () => {
    const link = newLink();
    const verifier = await embed(broker, { fetch: link.fetch });
    const { key, key_id } = await mint(broker);
    await warm(verifier, key);
    link.loseAnswers('/heartbeat', 1);
    await append(broker.db, revisionOf('flk_lost', 2));
    await eventually(
      10_000,
      () => link.asked('/verifiers'),
      (count) => count === 2,
    );
    await held(verifier, true);
    expect(verifier.faults.map(codeOfFault)).toContain('VERIFIER_BEHIND');
    await warm(verifier, key);
    await revokeEverywhere(broker, key_id);
    expect(await codeOf(verifier, key)).toBe('REVOKED');
  });

  test('is given back at the end, so that nobody waits for it', async () => {
    await broker.db.deleteFrom('verifiers').where('master_key_id', 'is not', null).execute();
    const verifier = await embed(broker);
    const { key, key_id } = await mint(broker);
    await warm(verifier, key);
    await verifier.close();
    expect(verifier.isLeaseHeld()).toBe(false);
    expect(verifier.verifyNow({ key })).toBeUndefined();
    await eventually(10_000, embeddedRows, (rows) => rows.length === 0);
    await revokeEverywhere(broker, key_id);
  });
});

describe('its master key', () => {
  test('unknown, or without the permission, is refused at the start', async () => {
    const { secret } = await broker.createMasterKey({ permissions: ['keys:read'] });
    for (const [masterKey, code] of [
      ['wrong', 'AUTHENTICATION_REQUIRED'],
      [secret, 'INSUFFICIENT_PERMISSIONS'],
    ] as const) {
      const verifier = new FlowplateVerifier({ baseUrl: broker.url, masterKey });
      const refused = await verifier.start().catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(FlowplateApiError);
      expect((refused as FlowplateApiError).code).toBe(code);
      await verifier.close();
    }
  });

  test('revoked, nothing is answered from memory any more, nor otherwise', async () => {
    const { id, secret } = await broker.createMasterKey();
    const link = newLink();
    const told = Promise.withResolvers<void>();
    // The feed's word is the last that arrives: the refusal of the next heartbeat does not.
    const verifier = await embed(
      { ...broker, masterKey: secret },
      {
        fetch: async (input, init) => {
          const answer = await link.fetch(input, init);
          if (
            String(input).endsWith('/heartbeat') &&
            (await answer.clone().text()).includes('"master_key"')
          ) {
            link.cut();
            told.resolve();
          }
          return answer;
        },
      },
    );
    const { key } = await mint(broker);
    await warm(verifier, key);
    const revoked = revokeMasterKey(broker.api.parts, testOrigin, id);
    await told.promise;
    await sleep(50);
    expect(verifier.isLeaseHeld()).toBe(false);
    expect(verifier.verifyNow({ key })).toBeUndefined();
    await revoked;
    link.mend();
    const refused = await verifier.verify({ key }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(FlowplateUndecidedError);
    expect((refused as { cause: FlowplateApiError }).cause.code).toBe('AUTHENTICATION_REQUIRED');
  });
});
