import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { CallOptions } from '../../support/call.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { keysPath, mint } from '../../support/keys.ts';
import { tenantKey } from '../../support/platform-callers.ts';
import { neverRegistered, register, verifiersPath } from './verifier-calls.ts';

const neverExisted = 'flk_0000000000000000000000';

let broker: TestBroker;
let verifier: { verifier_id: string; master_key_id: string };
beforeAll(async () => {
  broker = await startBroker();
  verifier = await register(broker);
});
afterAll(() => broker.close());

const refusal = (key_id: string, changed: object = {}) => ({
  ...{ key_id, at_ms: Date.now(), code: 'REVOKED', request_id: 'trace-1', ip: '192.0.2.7' },
  ...changed,
});
const report = (
  refusals: unknown,
  { id = verifier.verifier_id, ...options }: CallOptions & { id?: string } = {},
) => broker.call(`POST ${verifiersPath}/${id}/refusals`, { body: { refusals }, ...options });

async function kept(keyId: string) {
  await broker.api.flushUsage();
  return (await broker.call(`GET ${keysPath}/${keyId}/refusals`)).body.data;
}

testAccess(() => broker, `POST ${verifiersPath}/${neverRegistered}/refusals`, 'keys:verify:embedded');

test('404: a verifier that is not registered, or is of another master key', async () => {
  const { key_id } = await mint(broker);
  expectError(await report([refusal(key_id)], { id: neverRegistered }), 404, 'VERIFIER_NOT_FOUND');
  const { secret: as } = await broker.createMasterKey({ permissions: ['keys:verify:embedded'] });
  expectError(await report([refusal(key_id)], { as }), 404, 'VERIFIER_NOT_FOUND');
  expect(await kept(key_id)).toEqual([]);
});

test('422: what is no refusal, none, and too many', async () => {
  const one = refusal(neverExisted);
  expectViolations(await report([]), 'refusals');
  expectViolations(await report(Array(201).fill(one)), 'refusals');
  expectViolations(await report([{ ...one, code: 'VALID' }]), 'refusals.0.code');
  expectViolations(await report([{ ...one, request_id: 'a b' }]), 'refusals.0.request_id');
  expectViolations(await report([{ ...one, at_ms: -1 }]), 'refusals.0.at_ms');
  expectViolations(await report([{ ...one, master_key_id: 'flm_1' }]), 'refusals.0');
});

describe('204', () => {
  test('the refusal stands among the last ones of its key, with the master key that reported it', async () => {
    const { key_id } = await mint(broker);
    const at_ms = Date.now() - 1_000;
    expect((await report([refusal(key_id, { at_ms })])).status).toBe(204);
    expect(await kept(key_id)).toStrictEqual([
      {
        at: new Date(at_ms).toISOString(),
        code: 'REVOKED',
        endpoint: 'embedded',
        request_id: 'trace-1',
        master_key_id: verifier.master_key_id,
        ip: '192.0.2.7',
      },
    ]);
  });

  test('what the verifier cannot have refused is left out, and does not stop the others', async () => {
    const [own, foreign] = [await mint(broker), await mint(broker)];
    const { secret: as } = await broker.createMasterKey({ organizationIds: [own.organization_id] });
    const { verifier_id: id } = await register(broker, { as });
    const refusals = [
      refusal(foreign.key_id),
      refusal(neverExisted),
      refusal(own.key_id, { at_ms: Date.now() + 120_000 }),
      refusal(own.key_id, { at_ms: Date.now() - 3_600_000 }),
      refusal(own.key_id, { ip: 'nonsense', request_id: 'mine' }),
    ];
    expect((await report(refusals, { as, id })).status).toBe(204);
    expect(await kept(own.key_id)).toMatchObject([{ request_id: 'mine', ip: null }]);
    expect(await kept(foreign.key_id)).toEqual([]);
    const { id: ofTenant } = await tenantKey(broker, own.organization_id);
    expectViolations(await report([refusal(ofTenant)], { as, id }), 'refusals.0.key_id');
  });
});
