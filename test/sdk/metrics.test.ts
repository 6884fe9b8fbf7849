import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describe, type MetricName } from '../../src/metrics/catalogue.ts';
import { registerMetrics } from '../../src/sdk/index.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { mint, revoke } from '../support/keys.ts';
import { type Embedded, embed, warm } from './embedded.ts';

let broker: TestBroker;
let verifier: Embedded;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  verifier = await embed(broker);
});
afterAll(endAll);

test('a verifier tells its decisions by outcome and by where they came from, its lease and its counts', async () => {
  const before = verifier.metrics();
  const { key, key_id } = await mint(broker);
  const { key: limited } = await mint(broker, { rate_limit: { limit: 9, window_seconds: 3_600 } });
  await warm(verifier, key);
  const warmed = verifier.metrics();
  for (let call = 0; call < 10; call++) verifier.verifyNow({ key });
  expect(verifier.verifyNow({ key: 'x' })?.code).toBe('MALFORMED');
  await verifier.verify({ key: limited });
  await revoke(broker, key_id);
  expect((await verifier.verify({ key })).code).toBe('REVOKED');

  const after = verifier.metrics();
  const grown = (name: string) => (after.verifications[name] ?? 0) - (warmed.verifications[name] ?? 0);
  expect(['valid', 'malformed', 'revoked', 'undecided'].map(grown)).toEqual([11, 1, 1, 0]);
  expect(after.decidedFrom.memory - warmed.decidedFrom.memory).toBe(10);
  expect(after.decidedFrom.broker - warmed.decidedFrom.broker).toBe(1);
  expect(after.decidedFrom.record - before.decidedFrom.record).toBeGreaterThanOrEqual(2);
  expect(after.asked.count - warmed.asked.count).toBe(2);
  expect(after.asked.buckets.at(-1)?.count).toBe(after.asked.count);
  expect(after.asked.sumSeconds).toBeGreaterThan(warmed.asked.sumSeconds);
  expect([after.leaseHeld, after.registrations, after.faults]).toEqual([true, 1, verifier.faults.length]);
  expect(after.leaseRemainingSeconds).toBeGreaterThan(0);
  expect(after.recordsInMemory).toBeGreaterThan(0);
  await eventually(
    5_000,
    () => verifier.metrics().usageFlushAgeSeconds,
    (age) => age === 0,
  );
});

test('prom-client exposes them under the names, types and labels of the broker', async () => {
  const registry = new Registry();
  registerMetrics(verifier, registry);
  const text = await registry.metrics();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  expect(types.length).toBe(8);
  for (const [, name, type] of types) {
    const described = describe(name as MetricName);
    expect([name, type]).toEqual([name, described.type]);
    const sample = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? \\S+$`, 'm').exec(text);
    const labels = [...(sample?.[1] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label);
    expect([name, labels]).toEqual([name, [...described.labels]]);
  }
  expect(text).toMatch(/^flowplate_verifications_total\{endpoint="embedded",outcome="valid"\} [1-9]/m);
  expect(text).toMatch(/^flowplate_lease_held 1$/m);
  expect(() => registerMetrics(verifier, registry)).toThrow('already been registered');
});

test('a verification that nobody can decide is counted, and so are faults', async () => {
  const lost = await embed(broker, { baseUrl: 'http://127.0.0.1:1' });
  const { key } = await mint(broker);
  await expect(lost.verify({ key })).rejects.toMatchObject({ name: 'FlowplateUndecidedError' });
  const { verifications, leaseHeld, leaseRemainingSeconds, faults } = lost.metrics();
  expect([verifications.undecided, leaseHeld, leaseRemainingSeconds]).toEqual([1, false, 0]);
  expect(faults).toBeGreaterThan(0);
  expect(faults).toBe(lost.faults.length);
});
