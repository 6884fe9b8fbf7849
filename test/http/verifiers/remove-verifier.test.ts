import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { mint, revoke } from '../../support/keys.ts';
import { neverRegistered, register, rowOf, verifiersPath } from './verifier-calls.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

testAccess(() => broker, `DELETE ${verifiersPath}/${neverRegistered}`, 'keys:verify:embedded');

describe('404', () => {
  test('one that was never registered, one of another master key and one that is gone look alike', async () => {
    const { verifier_id } = await register(broker);
    const remove = (id: string, as = broker.masterKey) =>
      broker.call(`DELETE ${verifiersPath}/${id}`, { as });
    const { secret: other } = await broker.createMasterKey();
    expectError(await remove(neverRegistered), 404, 'VERIFIER_NOT_FOUND');
    expectError(await remove(verifier_id, other), 404, 'VERIFIER_NOT_FOUND');
    expect(await rowOf(broker, verifier_id)).toBeDefined();
    expect((await remove(verifier_id)).status).toBe(204);
    expectError(await remove(verifier_id), 404, 'VERIFIER_NOT_FOUND');
  });
});

test('204: nobody waits any longer for a verifier that gave its lease back', async () => {
  const { verifier_id } = await register(broker);
  const answer = await broker.call(`DELETE ${verifiersPath}/${verifier_id}`);
  expect([answer.status, answer.body]).toEqual([204, '']);
  const { key_id } = await mint(broker);
  const { status, body } = await revoke(broker, key_id);
  expect([status, body.propagation_detail.total]).toEqual([200, 1]);
});
