import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { FlowplateVerifier } from '../../src/sdk/verifier.ts';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { mint, verify } from '../support/keys.ts';
import { type Embedded, embed, embedHoldingLease, warm } from './embedded.ts';

let broker: TestBroker;
let verifier: Embedded;
beforeAll(async () => {
  broker = await startBroker();
  verifier = await embedHoldingLease(broker);
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

test('memory, a record just fetched and the broker give one and the same verdict', async () => {
  const settings = {
    scopes: ['read', 'write'],
    metadata: { plan: { name: 'gold' } },
    expires_at: '2100-01-01T00:00:00.000Z',
    ip_allowlist: ['10.0.0.0/8'],
  };
  const { key, organization_id } = await mint(broker, settings);
  const asked = [
    { ip: '10.0.0.1' },
    { ip: '10.0.0.1', scopes: ['write'], organization_id, environment: 'test', cost: 7 },
    { ip: '10.0.0.1', scopes: ['admin'] },
    { ip: '10.0.0.1', organization_id: 'org_other' },
    { ip: '10.0.0.1', environment: 'other' },
    { ip: '11.0.0.1' },
    {},
  ];
  const [first = {}] = asked;
  expect(await verifier.verify({ key, ...first })).toEqual(await verify(broker, key, first));
  for (const request of asked) {
    const verdict = await verify(broker, key, request);
    expect(verifier.verifyNow({ key, ...request })).toEqual(verdict);
    expect(await verifier.verify({ key, ...request })).toEqual(verdict);
  }
});

test('what is no key is refused without asking, and an unknown key by the broker', async () => {
  for (const key of ['', 'x', 'fl_user_test_x', broker.masterKey, newSecret('master', 'test', randomBytes)]) {
    expect(verifier.verifyNow({ key })).toEqual({ valid: false, code: 'MALFORMED' });
  }
  const unknown = newSecret('user', 'test', randomBytes);
  expect(verifier.verifyNow({ key: unknown })).toBeUndefined();
  expect(await verifier.verify({ key: unknown })).toEqual({ valid: false, code: 'NOT_FOUND' });
});

test('a key beyond the allow-lists of the master key does not exist', async () => {
  const { key } = await mint(broker);
  const { secret } = await broker.createMasterKey({ organizationIds: ['org_other'] });
  const elsewhere = await embed({ ...broker, masterKey: secret });
  expect(await elsewhere.verify({ key })).toEqual({ valid: false, code: 'NOT_FOUND' });
});

test('what a gateway does to a verdict changes no later one', async () => {
  const { key } = await mint(broker, { scopes: ['read'], metadata: { plan: { name: 'gold' } } });
  await warm(verifier, key);
  const verdict = verifier.verifyNow({ key });
  if (verdict?.valid !== true) throw new Error('the key is valid');
  expect(() => Object.assign(verdict, { user_id: 'somebody else' })).toThrow(TypeError);
  expect(() => (verdict.scopes as string[]).push('admin')).toThrow(TypeError);
  expect(() => Object.assign(verdict.metadata.plan as object, { name: 'free' })).toThrow(TypeError);
  expect(verifier.verifyNow({ key, scopes: ['admin'] })?.code).toBe('INSUFFICIENT_SCOPE');
});

test('a cost that cannot be counted is refused as a mistake, whoever would decide', async () => {
  const { key } = await mint(broker);
  await warm(verifier, key);
  for (const cost of [-1, 0.5, Number.NaN, 1_000_001]) {
    expect(() => verifier.verifyNow({ key, cost })).toThrow(RangeError);
    await expect(verifier.verify({ key, cost })).rejects.toThrow(RangeError);
  }
});

test('a memory that cannot be had is refused as a mistake when the verifier is made', () => {
  const { url: baseUrl, masterKey } = broker;
  for (const recordsInMemoryMax of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => new FlowplateVerifier({ baseUrl, masterKey, recordsInMemoryMax })).toThrow(
      /whole number from 0 to/,
    );
  }
});

test('a hundred callers at once of a key that memory does not know ask the broker once', async () => {
  let asked = 0;
  const counting: typeof fetch = (input, init) => {
    if (String(input).endsWith('/records')) asked += 1;
    return fetch(input, init);
  };
  const counted = await embed(broker, { fetch: counting });
  const { key } = await mint(broker);
  const verdicts = await Promise.all(Array.from({ length: 100 }, () => counted.verify({ key })));
  expect(new Set(verdicts.map(({ code }) => code))).toEqual(new Set(['VALID']));
  expect(asked).toBe(1);
  expect((await verify(broker, key)).valid).toBe(true);
});

test('no more records are kept than it was told', async () => {
  const small = await embed(broker, { recordsInMemoryMax: 2 });
  const keys = [await mint(broker), await mint(broker), await mint(broker)];
  for (const { key } of keys) await small.verify({ key });
  const kept = keys.filter(({ key }) => small.verifyNow({ key }) !== undefined);
  expect(kept).toHaveLength(2);
});

test('a micro-check of its speed: every decision of many is made from memory', async () => {
  const keys = await Promise.all(Array.from({ length: 50 }, async () => (await mint(broker)).key));
  for (const key of keys) await warm(verifier, key);
  const decisions = 200_000;
  let accepted = 0;
  const startedMs = performance.now();
  for (let decision = 0; decision < decisions; decision++) {
    const key = keys[decision % keys.length] ?? '';
    if (verifier.verifyNow({ key })?.valid === true) accepted += 1;
  }
  const perSecond = Math.round(decisions / ((performance.now() - startedMs) / 1_000));
  process.stdout.write(`embedded verifier: ${perSecond} decisions/s\n`);
  expect(accepted).toBe(decisions);
});
