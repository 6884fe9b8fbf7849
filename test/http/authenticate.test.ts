import { randomBytes } from 'node:crypto';
import argon2 from 'argon2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isOutdated } from '../../src/password-hash.ts';
import { revokeMasterKey } from '../../src/usecases/master-keys/revoke-master-key.ts';
import { rotateMasterKey } from '../../src/usecases/master-keys/rotate-master-key.ts';
import { startBroker, type TestBroker, testOrigin } from '../support/broker.ts';
import { bytesOf, expectError } from '../support/errors.ts';
import { keysPath, mint, newOwner } from '../support/keys.ts';
import { sendRaw } from '../support/raw-request.ts';
import { secondMs, walkClock } from '../support/walk-clock.ts';

const operation = `GET ${keysPath}`;

let broker: TestBroker;
let replica: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica({ TRUSTED_PROXIES: '127.0.0.0/8' });
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});

const statusFor = async (as: string, at = broker) => (await at.call(operation, { as })).status;

describe('where the credential stands', () => {
  const withHeaders = (headers: Record<string, string>) => broker.call(operation, { as: null, headers });

  test('X-API-Key is as good as x-flowplate-master-key, and both with the same value are one', async () => {
    const { masterKey } = broker;
    expect((await withHeaders({ 'X-API-Key': masterKey })).status).toBe(200);
    const body = newOwner();
    await mint(broker, body, { as: null, headers: { 'X-API-Key': masterKey } });
    const both = { 'X-API-Key': masterKey, 'x-flowplate-master-key': masterKey };
    expect((await withHeaders(both)).status).toBe(200);
  });

  test('two different credentials are refused, also when one of them or both would do', async () => {
    const { secret } = await broker.createMasterKey();
    for (const other of [secret, 'junk']) {
      const answer = await withHeaders({ 'X-API-Key': other, 'x-flowplate-master-key': broker.masterKey });
      expectError(answer, 400, 'AMBIGUOUS_CREDENTIALS');
      expect(JSON.stringify(answer.body)).not.toContain(broker.masterKey.slice(-38));
    }
  });

  test('an empty header is no second credential', async () => {
    const { masterKey } = broker;
    const withMasterKey = { 'X-API-Key': '', 'x-flowplate-master-key': masterKey };
    expect((await withHeaders(withMasterKey)).status).toBe(200);
    const withApiKey = { 'X-API-Key': masterKey, 'x-flowplate-master-key': '' };
    expect((await withHeaders(withApiKey)).status).toBe(200);
    expect((await withHeaders({ 'X-API-Key': '' })).status).toBe(401);
  });

  test('one header sent twice counts as once with equal values and is refused with different ones', async () => {
    const send = (second: string) =>
      sendRaw(
        broker.url,
        `GET ${keysPath} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n` +
          `x-flowplate-master-key: ${broker.masterKey}\r\nX-Flowplate-Master-Key: ${second}\r\n\r\n`,
      );
    expect(await send(broker.masterKey)).toMatch(/^HTTP\/1\.1 200 /);
    const refused = await send('another');
    expect(refused).toMatch(/^HTTP\/1\.1 400 /);
    expect(refused).toContain('"AMBIGUOUS_CREDENTIALS"');
  });

  test('a master key in Authorization, a cookie or the query is none', async () => {
    const { masterKey } = broker;
    expect((await withHeaders({ authorization: `Bearer ${masterKey}` })).status).toBe(401);
    expect((await withHeaders({ cookie: `x-api-key=${masterKey}` })).status).toBe(401);
    const inQuery = await broker.call(`${operation}?api_key=${masterKey}`, { as: null });
    expectError(inQuery, 401, 'AUTHENTICATION_REQUIRED');
    expect(JSON.stringify(inQuery.body)).not.toContain(masterKey.slice(-38));
  });

  test('nothing of a body is looked at before the caller is known', async () => {
    const missing = await broker.call(`POST ${keysPath}`, { as: null });
    const headers = { 'content-type': 'text/plain' };
    const answer = await broker.call(`POST ${keysPath}`, { as: null, body: '{"broken', headers });
    expect(bytesOf(answer)).toBe(bytesOf(missing));
  });
});

describe('the address list', () => {
  test('a master key works only from its addresses, and a forwarded one counts only behind a trusted proxy', async () => {
    const { secret: here } = await broker.createMasterKey({ ipAllowlist: ['127.0.0.0/8', '::1'] });
    const { secret: office } = await broker.createMasterKey({ ipAllowlist: ['192.0.2.0/24'] });
    expect([await statusFor(here), await statusFor(office)]).toEqual([200, 401]);
    const headers = { 'x-forwarded-for': '192.0.2.77' };
    expect((await broker.call(operation, { as: office, headers })).status).toBe(401);
    expect((await replica.call(operation, { as: office, headers })).status).toBe(200);
    expect((await replica.call(operation, { as: here, headers })).status).toBe(401);
    const spoofed = { 'x-forwarded-for': '192.0.2.77, 198.51.100.1' };
    expect((await replica.call(operation, { as: office, headers: spoofed })).status).toBe(401);
  });
});

describe('the end of a master key', () => {
  test('a revoked one is refused at once on every replica', async () => {
    const { id, secret } = await broker.createMasterKey();
    expect([await statusFor(secret), await statusFor(secret, replica)]).toEqual([200, 200]);
    const { isComplete } = await revokeMasterKey(broker.api.parts, testOrigin, id);
    expect(isComplete).toBe(true);
    expect([await statusFor(secret), await statusFor(secret, replica)]).toEqual([401, 401]);
  });

  test('an expired one is refused from its moment on', async () => {
    const expiresAt = new Date(Date.now() + 60 * secondMs);
    const { secret } = await broker.createMasterKey({ expiresAt });
    expect(await statusFor(secret)).toBe(200);
    walkClock(broker, 61 * secondMs);
    expect(await statusFor(secret)).toBe(401);
  });

  test('a rotated one goes on through the overlap beside its successor, and ends with it', async () => {
    const { id, secret } = await broker.createMasterKey({ permissions: ['keys:read'] });
    expect(await statusFor(secret)).toBe(200);
    const request = { masterKeyId: id, overlapSeconds: 60 };
    const rotated = await rotateMasterKey(broker.api.parts, testOrigin, request);
    expect([await statusFor(secret), await statusFor(rotated.secret)]).toEqual([200, 200]);
    expect((await broker.call(`POST ${keysPath}`, { as: rotated.secret })).status).toBe(403);
    walkClock(broker, 61 * secondMs);
    expect([await statusFor(secret), await statusFor(rotated.secret)]).toEqual([401, 200]);
  });
});

describe('a master key that an operator chose', () => {
  const chosen = () => `correct horse ${randomBytes(16).toString('base64')}`;

  test('it works, is stored only as an argon2id hash, and ends at once when revoked', async () => {
    const secret = chosen();
    const { id } = await broker.createMasterKey({}, secret);
    expect([await statusFor(secret), await statusFor(secret, replica)]).toEqual([200, 200]);
    expect(await statusFor(`${secret} `.slice(0, -2))).toBe(401);
    const row = await findRow(id);
    const [, kind, , costs] = row.password_hash?.split('$') ?? [];
    expect([kind, costs?.split(',').sort()]).toEqual(['argon2id', ['m=19456', 'p=1', 't=2']]);
    expect(row.digest).toBeNull();
    await revokeMasterKey(broker.api.parts, testOrigin, id);
    expect([await statusFor(secret), await statusFor(secret, replica)]).toEqual([401, 401]);
  });

  test('a new one works at once on every replica, also where its secret has just been refused', async () => {
    const secret = chosen();
    for (let round = 0; round < 3; round++) {
      expect([await statusFor(secret), await statusFor(secret, replica)]).toEqual([401, 401]);
    }
    await broker.createMasterKey({}, secret);
    expect([await statusFor(secret, replica), await statusFor(secret)]).toEqual([200, 200]);
  });

  test('a hash with weaker parameters is renewed at the next success', async () => {
    const secret = chosen();
    const { id } = await broker.createMasterKey({}, secret);
    const weak = await argon2.hash(secret, { type: argon2.argon2id, memoryCost: 8_192, timeCost: 2 });
    await broker.db.updateTable('master_keys').set({ password_hash: weak }).where('id', '=', id).execute();
    expect(await statusFor(secret)).toBe(200);
    const renewed = (await findRow(id)).password_hash ?? '';
    expect([isOutdated(weak), isOutdated(renewed)]).toEqual([true, false]);
  });

  test('a flood of guesses is cut off with 429 and does not lock out generated keys', async () => {
    const guesses = Array.from({ length: 60 }, () => broker.call(operation, { as: chosen() }));
    const [answers, ours] = await Promise.all([Promise.all(guesses), statusFor(broker.masterKey)]);
    expect(ours).toBe(200);
    const cutOff = answers.filter((answer) => answer.status === 429);
    expect(cutOff.length).toBeGreaterThan(0);
    expect(answers.filter((answer) => answer.status === 401)).toHaveLength(60 - cutOff.length);
    for (const answer of cutOff) {
      expectError(answer, 429, 'TOO_MANY_ATTEMPTS');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });

  function findRow(id: string) {
    return broker.db
      .selectFrom('master_keys')
      .select(['password_hash', 'digest'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
  }
});
