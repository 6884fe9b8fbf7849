import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { keysPath, mint, revoke } from '../../support/keys.ts';
import { reportLeak, withReporter } from '../../support/leaks.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { beat, lapse, register } from './verifier-calls.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ ...withReporter, LEAK_ACTION: 'revoke' });
});
afterAll(() => broker.close());

test('a revoke that is asked for again is complete no sooner than the one that did it', async () => {
  const { verifier_id, applied_seq } = await register(broker);
  const { key_id } = await mint(broker);
  expect((await revoke(broker, key_id)).body).toMatchObject({ revoked_count: 1, propagation: 'pending' });
  // The verifier has a live lease, has not heard of the revoke, and may still say yes.
  expect((await revoke(broker, key_id)).body).toMatchObject({ revoked_count: 0, propagation: 'pending' });
  const { body } = await beat(broker, verifier_id, { applied_seq });
  await beat(broker, verifier_id, { applied_seq: body.applied_seq });
  expect((await revoke(broker, key_id)).body).toMatchObject({ revoked_count: 0, propagation: 'complete' });
  await lapse(broker, verifier_id, 1);
});

test('a bulk order that is sent again is complete no sooner than the one that did it', async () => {
  const { verifier_id, applied_seq } = await register(broker);
  const { organization_id } = await mint(broker, { organization_id: 'org_ordered_twice' });
  const order = { action: 'disable', filter: { organization_id }, reason: 'policy' };
  const send = (more: object) => broker.call(`POST ${keysPath}/bulk`, { body: { ...order, ...more } });
  const { confirm_token } = (await send({ dry_run: true })).body;
  expect((await send({ confirm_token })).body).toMatchObject({ affected_count: 1, propagation: 'pending' });
  expect((await send({ confirm_token })).body).toMatchObject({ affected_count: 0, propagation: 'pending' });
  const { body } = await beat(broker, verifier_id, { applied_seq });
  await beat(broker, verifier_id, { applied_seq: body.applied_seq });
  expect((await send({ confirm_token })).body).toMatchObject({ affected_count: 0, propagation: 'complete' });
});

test('a report of a master key that was revoked is no sooner complete than its revoke', async () => {
  const leaked = await broker.createMasterKey();
  const { verifier_id } = await register(broker, { as: leaked.secret });
  const { headers } = await platformKey(broker);
  const revoked = await broker.call(`POST /api/v1/platform/master-keys/${leaked.id}/revoke`, {
    as: null,
    headers,
  });
  expect(revoked.body.propagation).toBe('pending');
  expect((await reportLeak(broker, leaked.secret)).status).toBe(202);
  await lapse(broker, verifier_id, 1);
  expect((await reportLeak(broker, leaked.secret)).status).toBe(200);
});
