import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import { errorEnvelope } from '../../scripts/api-document/error-schemas.ts';
import { mintKeyRoute } from '../../src/http/user-keys/mint-key.ts';
import { refreshKeyRoute } from '../../src/http/user-keys/refresh-key.ts';
import { updateKeyRoute } from '../../src/http/user-keys/update-key.ts';
import { verifyKeyRoute } from '../../src/http/verify/verify-key.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import type { Answer } from '../support/call.ts';
import { keysPath, type Minted, mint, newOwner, refresh, update, verify } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const runs = { numRuns: 75, interruptAfterTimeLimit: 10_000 };

const slug = fc.stringMatching(/^[a-z0-9]{1,16}$/);
const externalId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$/);
const scopes = fc.array(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:/*-]{0,20}$/), { maxLength: 64 });
const moment = fc
  .date({ min: new Date('2090-01-01'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const edgeMoments = [
  '0000-01-01T00:00:00Z',
  '0000-01-01T00:00:00+14:00',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59-12:00',
  '2016-12-31T23:59:60Z',
  '2099-02-29T00:00:00Z',
];
const ipAddress = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('::ffff:1.2.3.4', '::'));
const ip = fc.oneof(ipAddress, fc.constantFrom('10.1.2.3:80', '[::1]:80', 'fe80::1%eth0', ''), fc.string());
const range = fc.oneof(
  ipAddress,
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, prefix]) => `${address}/${prefix}`),
  fc.tuple(fc.ipV6(), fc.nat(128)).map(([address, prefix]) => `${address}/${prefix}`),
);

/** In range, at the edges often. */
const upTo = (max: number) => fc.oneof(fc.integer({ min: 1, max }), fc.constantFrom(1, max));

const settings = {
  name: fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }),
  metadata: fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 5 }),
  scopes,
  expires_at: moment,
  rate_limit: fc.record(
    {
      limit: upTo(1_000_000_000),
      window_seconds: upTo(2_678_400),
      on_unavailable: fc.constantFrom('local', 'deny', 'allow'),
    },
    { requiredKeys: ['limit', 'window_seconds'] },
  ),
  quota: fc.record({ limit: upTo(1_000_000_000_000), period: fc.constantFrom('day', 'month') }),
  ip_allowlist: fc.array(range, { minLength: 1, maxLength: 64 }),
};

const { expires_at: _, ...lasting } = settings;
const mintFields = { environment: slug, ttl_seconds: upTo(315_360_000), ...lasting };
const patchFields = { enabled: fc.boolean(), ...settings };
const refreshFields = {
  grace_period_seconds: upTo(86_400),
  environment: fc.oneof({ weight: 3, arbitrary: fc.constant('test') }, { weight: 1, arbitrary: slug }),
};
const verifyFields = { scopes, organization_id: externalId, environment: slug, ip, cost: upTo(1_000_000) };

const hostile = fc.oneof(
  fc.constantFrom('\0', '\ud800', '__proto__', '', '-1', '1e400', '9'.repeat(400), 'fl_user_test_'),
  fc.constantFrom(null, true, -1, 0.5, 1e308, -0, Number.MAX_SAFE_INTEGER + 1, [], {}, [[]]),
  fc.constantFrom(...edgeMoments, 86_401, 1_000_001, 1_000_000_001, 315_360_001, 1e21),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.anything({ withNullPrototype: false, maxDepth: 3 }),
);

/**
 * Bodies in three kinds: what the schema describes, the same with one field that it does not take,
 * and junk. Sent as text, so that what JSON cannot say is left out by `JSON.stringify` and not by a
 * client library.
 */
function bodies<Fields extends Record<string, fc.Arbitrary<unknown>>>(fields: Fields): fc.Arbitrary<string> {
  const valid = fc.record(fields, { requiredKeys: [] });
  const names = fc.oneof(
    fc.constantFrom(...Object.keys(fields), 'expires_at', '__proto__', 'surprise'),
    fc.string(),
  );
  const nearValid = fc
    .tuple(valid, names, hostile)
    .map(([body, name, value]) => Object.fromEntries([...Object.entries(body), [name, value]]));
  return fc.oneof(
    { weight: 3, arbitrary: valid.map(toText) },
    { weight: 3, arbitrary: nearValid.map(toText) },
    { weight: 1, arbitrary: hostile.map(toText) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  );
}

function toText(value: unknown): string {
  return (
    JSON.stringify(value, (_name, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)) ??
    ''
  );
}

/**
 * Gives the text of an object the fields that name whose key it is to be; other text stays as it
 * is.
 */
function withOwner(text: string, owner: object): string {
  return text.startsWith('{"') ? `${JSON.stringify(owner).slice(0, -1)},${text.slice(1)}` : text;
}

const statusesSeen = new Map<string, Set<number>>();

/** Never a 5xx, and what is said is what the document says. */
function expectConformity(what: string, route: { answer: z.ZodType; success: object }, answer: Answer): void {
  statusesSeen.set(what, (statusesSeen.get(what) ?? new Set()).add(answer.status));
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
  if (answer.status < 400) {
    expect(Object.keys(route.success)).toContain(String(answer.status));
    route.answer.parse(answer.body);
  } else {
    expect(errorEnvelope.parse(answer.body).error.status).toBe(answer.status);
  }
}

test('mint answers any body as documented, and what it minted can be verified', async () => {
  await fc.assert(
    fc.asyncProperty(bodies(mintFields), async (text) => {
      const answer = await broker.call(`POST ${keysPath}`, { body: withOwner(text, newOwner()) });
      expectConformity('mint', mintKeyRoute, answer);
      if (answer.status !== 201) return;
      const verdict = await verify(broker, answer.body.key, { ip: '192.0.2.1' });
      expect(['VALID', 'IP_NOT_ALLOWED']).toContain(verdict.code);
    }),
    runs,
  );
  expect([...(statusesSeen.get('mint') ?? [])].sort()).toEqual(expect.arrayContaining([201, 422]));
});

test('patch answers any body as documented, and the key can still be verified', async () => {
  let minted: Minted | undefined;
  await fc.assert(
    fc.asyncProperty(bodies(patchFields), async (text) => {
      minted ??= await mint(broker);
      const path = `PATCH ${keysPath}/${minted.key_id}`;
      expectConformity('patch', updateKeyRoute, await broker.call(path, { body: text }));
      const answer = await broker.call(`POST ${keysPath}/verify`, { body: { key: minted.key, ip: '::1' } });
      expectConformity('patch', verifyKeyRoute, answer);
    }),
    runs,
  );
  expect([...(statusesSeen.get('patch') ?? [])]).toEqual(expect.arrayContaining([200, 422]));
});

test('verify answers any body as documented', async () => {
  const { key, key_id } = await mint(broker);
  await update(broker, key_id, { ip_allowlist: ['0.0.0.0/0', '::/0'] });
  await fc.assert(
    fc.asyncProperty(bodies(verifyFields), fc.boolean(), async (text, isKnown) => {
      const body = withOwner(text, { key: isKnown ? key : 'junk' });
      const answer = await broker.call(`POST ${keysPath}/verify`, { body });
      expectConformity('verify', verifyKeyRoute, answer);
      if (answer.status >= 400) expect(JSON.stringify(answer.body)).not.toContain(key.slice(-38));
    }),
    runs,
  );
  expect([...(statusesSeen.get('verify') ?? [])]).toEqual(expect.arrayContaining([200, 422]));
});

test('refresh answers any body and any owner as documented', async () => {
  const owner = await mint(broker);
  const segment = fc.oneof(
    fc.constant(undefined),
    externalId,
    fc
      .string({ unit: 'grapheme', minLength: 1 })
      .map(encodeURIComponent)
      .filter((text) => !/^\.{1,2}$/.test(text)),
  );
  await fc.assert(
    fc.asyncProperty(bodies(refreshFields), segment, async (text, userId) => {
      const address = { user_id: userId ?? owner.user_id, organization_id: owner.organization_id };
      const path = `POST ${keysPath}/${address.user_id}/${address.organization_id}/refresh`;
      expectConformity('refresh', refreshKeyRoute, await broker.call(path, { body: text }));
    }),
    runs,
  );
  expect([...(statusesSeen.get('refresh') ?? [])]).toEqual(expect.arrayContaining([422, 404]));
  expect((await refresh(broker, owner)).status).toBe(200);
});
