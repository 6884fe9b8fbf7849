import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { mint, revoke } from '../../support/keys.ts';
import { beat, register } from './verifier-calls.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
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
});
