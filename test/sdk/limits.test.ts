import { afterAll, beforeAll, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { getKey, mint } from '../support/keys.ts';
import { type Embedded, embed } from './embedded.ts';

let broker: TestBroker;
let verifiers: Embedded[];
beforeAll(async () => {
  broker = await startBroker();
  verifiers = [await embed(broker), await embed(broker)];
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

test.each([
  ['RATE_LIMITED', { rate_limit: { limit: 20, window_seconds: 3_600 } }],
  ['QUOTA_EXCEEDED', { quota: { limit: 20, period: 'month' } }],
])(
  '%s: of many calls at once over two verifiers exactly as many are accepted as the limit allows',
  async (code, limit) => {
    const { key, key_id } = await mint(broker, limit);
    const calls = Array.from({ length: 60 }, (_, call) => verifiers[call % 2]?.verify({ key }));
    const codes = (await Promise.all(calls)).map((verdict) => verdict?.code);
    expect(codes.filter((given) => given === 'VALID')).toHaveLength(20);
    expect(codes.filter((given) => given === code)).toHaveLength(40);
    for (const verifier of verifiers) expect(verifier.verifyNow({ key })).toBeUndefined();
    for (const verifier of verifiers) await verifier.close();
    await broker.settleUsage();
    expect((await getKey(broker, key_id)).body.usage).toMatchObject({
      total_requests: 20,
      refused_requests: 40,
    });
    verifiers = [await embed(broker), await embed(broker)];
  },
);

test('the states of the limits come along, as from the broker', async () => {
  const { key } = await mint(broker, { rate_limit: { limit: 5, window_seconds: 60 } });
  const verdict = await verifiers[0]?.verify({ key, cost: 2 });
  expect(verdict).toMatchObject({ valid: true, rate_limit: { limit: 5, remaining: 3, enforced: true } });
});
