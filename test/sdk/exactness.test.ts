import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { mint, refreshed, revokeEverywhere, update } from '../support/keys.ts';
import { setStatus } from '../support/organization-status.ts';
import { codeOf, type Embedded, embed, warm } from './embedded.ts';

let broker: TestBroker;
let replica: TestBroker;
let verifiers: Embedded[];
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
  // Each holds its lease through another process than the one that answers the revoke, or through
  // the same.
  verifiers = [await embed(broker), await embed({ ...replica, masterKey: broker.masterKey })];
});
afterAll(async () => {
  await endAll();
  await replica.close();
  await broker.close();
});

const codes = (key: string) => Promise.all(verifiers.map((verifier) => codeOf(verifier, key)));
const fromMemory = (key: string) => verifiers.map((verifier) => verifier.verifyNow({ key })?.code);

async function warmKey(options: object = {}) {
  const minted = await mint(broker, options);
  for (const verifier of verifiers) expect(await warm(verifier, minted.key)).toBe('VALID');
  return minted;
}

describe('a change that has answered complete is known to every embedded verifier', () => {
  const rounds = 500;
  const lanes = 5;

  test(`a revoke, ${rounds} times out of ${rounds}`, async () => {
    let done = 0;
    const lane = async () => {
      for (let round = 0; round < rounds / lanes; round++) {
        const { key, key_id } = await mint(broker);
        expect(await codes(key)).toEqual(['VALID', 'VALID']);
        expect(fromMemory(key)).toEqual(['VALID', 'VALID']);
        const { body } = await revokeEverywhere(broker, key_id);
        // In the very next instruction: from memory there is a no, or nothing at all.
        for (const code of fromMemory(key)) expect([undefined, 'REVOKED']).toContain(code);
        expect(body).toMatchObject({ propagation: 'complete', propagation_detail: { total: 4 } });
        expect(await codes(key)).toEqual(['REVOKED', 'REVOKED']);
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    expect(done).toBe(rounds);
  }, 180_000);

  test('a refresh without grace, and with one', async () => {
    const old = await warmKey();
    const next = await refreshed(broker, old);
    expect(await codes(old.key)).toEqual(['REVOKED', 'REVOKED']);
    expect(await codes(next.key)).toEqual(['VALID', 'VALID']);
    const last = await refreshed(broker, old, { grace_period_seconds: 600 });
    expect(await codes(next.key)).toEqual(['SUPERSEDED', 'SUPERSEDED']);
    expect(await codes(last.key)).toEqual(['VALID', 'VALID']);
  });

  test('a key that is disabled, and enabled again', async () => {
    const { key, key_id } = await warmKey();
    await update(broker, key_id, { enabled: false });
    expect(await codes(key)).toEqual(['DISABLED', 'DISABLED']);
    await update(broker, key_id, { enabled: true });
    expect(await codes(key)).toEqual(['VALID', 'VALID']);
  });

  test('scopes and addresses that are taken away', async () => {
    const { key, key_id } = await warmKey({ scopes: ['read', 'write'] });
    const asked = { key, scopes: ['write'] };
    for (const verifier of verifiers) expect((await verifier.verify(asked)).code).toBe('VALID');
    await update(broker, key_id, { scopes: ['read'], ip_allowlist: ['10.0.0.0/8'] });
    for (const verifier of verifiers) {
      expect((await verifier.verify(asked)).code).toBe('IP_NOT_ALLOWED');
      expect((await verifier.verify({ ...asked, ip: '10.0.0.1' })).code).toBe('INSUFFICIENT_SCOPE');
    }
  });

  test('an organization that is suspended and resumed, with keys that memory knows and keys that it does not', async () => {
    const known = await warmKey();
    const { organization_id } = known;
    const unknown = await mint(broker, { organization_id });
    await setStatus(broker, organization_id, 'suspended');
    for (const { key } of [known, unknown]) {
      expect(await codes(key)).toEqual(['ORGANIZATION_SUSPENDED', 'ORGANIZATION_SUSPENDED']);
    }
    await setStatus(broker, organization_id, 'active');
    for (const { key } of [known, unknown]) expect(await codes(key)).toEqual(['VALID', 'VALID']);
  });

  test('a rate limit that a key is given: from then on the broker counts', async () => {
    const { key, key_id } = await warmKey();
    await update(broker, key_id, { rate_limit: { limit: 1, window_seconds: 3_600 } });
    expect(await codes(key)).toEqual(expect.arrayContaining(['VALID', 'RATE_LIMITED']));
  });
});

test('a minted key works at once', async () => {
  for (let round = 0; round < 20; round++) {
    const { key } = await mint(broker);
    expect(await codes(key)).toEqual(['VALID', 'VALID']);
  }
});
