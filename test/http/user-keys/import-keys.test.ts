import { createHash, createHmac } from 'node:crypto';
import argon2 from 'argon2';
import bcrypt from 'bcryptjs';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { CallOptions } from '../../support/call.ts';
import { insisting } from '../../support/insist.ts';
import { getKey, keysPath, mint, newOwner, revoke, verify } from '../../support/keys.ts';
import { readLines, toLines } from '../../support/lines.ts';

const path = `${keysPath}/import`;
const env = { FOREIGN_KEY_PATTERNS: 'acme_:base62:32,long_:base62:32-100' };

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker(env);
});
afterAll(() => broker.close());

let keys = 0;
/** A key of another product; its first characters differ from those of the others. */
function foreignKey(length = 32, prefix = 'acme_'): string {
  keys += 1;
  return `${prefix}${String(keys).padStart(8, 'k')}${'x'.repeat(length - 8)}`;
}
const lookupOf = (key: string) => key.slice(0, 13);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const line = (key: string, more: object = {}) => ({
  ...newOwner(),
  algorithm: 'sha256',
  hash: sha256(key),
  ...more,
});

async function send(lines: readonly unknown[], query = '', options: CallOptions = {}) {
  const headers = { 'content-type': 'application/x-ndjson', ...options.headers };
  const answer = await broker.call(`POST ${path}${query}`, { ...options, body: toLines(lines), headers });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return typeof answer.body === 'string' ? readLines(answer.body) : [answer.body];
}

async function importOne(sent: object): Promise<string> {
  const [answer] = await send([sent]);
  expect(answer).toMatchObject({ status: 'imported' });
  return answer.key_id;
}

const codes = (lines: { error?: { code: string }; status?: string }[]) =>
  lines.map(({ error, status }) => error?.code ?? status);

async function left(): Promise<number> {
  return (await broker.call(`GET ${path}/progress`)).body.left;
}

async function isDigested(keyId: string): Promise<boolean> {
  const { rows } = await sql<{ done: boolean }>`
    SELECT digested_at IS NOT NULL AS done FROM imported_keys WHERE key_id = ${keyId}`.execute(broker.db);
  return rows[0]?.done === true;
}

testAccess(() => broker, `POST ${path}`, 'keys:import');
testAccess(() => broker, `GET ${path}/progress`, 'keys:import');

describe('a key of each format is good with its first use, and is then stored like every other', () => {
  test.each<[string, (key: string) => object | Promise<object>]>([
    ['sha256 in hex', (key) => line(key)],
    [
      'sha256 in base64url without padding',
      (key) => line(key, { hash: createHash('sha256').update(key).digest('base64url') }),
    ],
    [
      'sha512 with a salt behind it',
      (key) => ({
        ...line(key, { algorithm: 'sha512', salt: 'pinch', salt_position: 'after' }),
        hash: createHash('sha512').update(`${key}pinch`).digest('hex'),
      }),
    ],
    [
      'sha256 with a salt of its own',
      (key) => line(key, { hash: sha256(`own${key}`), salt: 'own', lookup: lookupOf(key) }),
    ],
    [
      'bcrypt',
      async (key) =>
        line(key, { algorithm: 'bcrypt', hash: await bcrypt.hash(key, 4), lookup: lookupOf(key) }),
    ],
    [
      'argon2id',
      async (key) =>
        line(key, {
          algorithm: 'argon2id',
          hash: await argon2.hash(key, { memoryCost: 256 }),
          lookup: lookupOf(key),
        }),
    ],
  ])('%s', async (_, toLine) => {
    const key = foreignKey();
    const wrong = `${key.slice(0, -1)}y`;
    const sent = await toLine(key);
    const keyId = await importOne({ ...sent, scopes: ['read'] });
    expect((await verify(broker, wrong)).code).toBe('NOT_FOUND');
    const before = await left();
    expect(await verify(broker, key)).toMatchObject({ code: 'VALID', key_id: keyId, scopes: ['read'] });
    await vi.waitFor(async () => expect(await left()).toBe(before - 1));
    const { rows } = await sql<{ lookup: string | null; sealed: Buffer | null; moved: boolean }>`
      SELECT lookup, sealed_hash AS sealed, digest <> import_digest AS moved
      FROM imported_keys JOIN api_keys ON id = key_id WHERE key_id = ${keyId}`.execute(broker.db);
    expect(rows).toEqual([{ lookup: null, sealed: null, moved: true }]);
    // Another process, which has nothing in memory, knows it by its own digest.
    const replica = await broker.replica({ ...env, FOREIGN_KEY_PATTERNS: env.FOREIGN_KEY_PATTERNS });
    try {
      expect((await verify(replica, key)).code).toBe('VALID');
      expect((await verify(replica, wrong)).code).toBe('NOT_FOUND');
    } finally {
      await replica.close();
    }
    expect(codes(await send([sent]))).toEqual(['unchanged']);
  });

  test('hmac-sha256 with a secret that staff has given', async () => {
    const { headers } = await import('../../support/platform-callers.ts').then((support) =>
      support.platformKey(broker),
    );
    const secrets = '/api/v1/platform/import-secrets';
    const call = (operation: string, body?: object) =>
      broker.call(operation, { as: null, headers, ...(body && { body }) });
    const given = { name: 'old-signing', secret: 'c2VjcmV0', encoding: 'base64' };
    expect((await call(`POST ${secrets}`, given)).status).toBe(201);
    expect((await call(`POST ${secrets}`, given)).body.error.code).toBe('IMPORT_SECRET_ALREADY_EXISTS');
    const listed = await call(`GET ${secrets}`);
    expect(listed.body.data).toEqual([expect.objectContaining({ name: 'old-signing' })]);
    expect(JSON.stringify(listed.body)).not.toContain('c2VjcmV0');
    const key = foreignKey();
    const hash = createHmac('sha256', 'secret').update(key).digest('hex');
    const sent = line(key, { algorithm: 'hmac-sha256', hash, secret_name: 'old-signing' });
    const [unknown] = await send([{ ...sent, secret_name: 'other' }]);
    expect(unknown.error.details).toEqual([expect.objectContaining({ path: 'secret_name' })]);
    const keyId = await importOne(sent);
    const inUse = await call(`DELETE ${secrets}/old-signing`);
    expect(inUse.body.error.code).toBe('IMPORT_SECRET_IN_USE');
    expect((await verify(broker, key)).key_id).toBe(keyId);
    await vi.waitFor(async () => expect(await isDigested(keyId)).toBe(true));
    expect((await call(`DELETE ${secrets}/old-signing`)).status).toBe(200);
    expect((await call(`DELETE ${secrets}/old-signing`)).status).toBe(404);
  });
});

describe('what is not a key is refused', () => {
  test('a stored hash that is presented as a key', async () => {
    const key = foreignKey();
    const keyId = await importOne(line(key));
    const { rows } = await sql<{ digest: Buffer }>`SELECT digest FROM api_keys WHERE id = ${keyId}`.execute(
      broker.db,
    );
    for (const text of [sha256(key), rows[0]?.digest.toString('hex') ?? '']) {
      expect((await verify(broker, text)).code).toBe('MALFORMED');
      expect((await verify(broker, `acme_${text.slice(0, 32)}`)).code).toBe('NOT_FOUND');
    }
  });

  test('a key of a pattern that is not declared, even if its hash was imported', async () => {
    const key = foreignKey(32, 'other_');
    await importOne(line(key));
    expect((await verify(broker, key)).code).toBe('MALFORMED');
  });

  test('a key of 73 bytes against bcrypt, which would compare only 72', async () => {
    const stored = foreignKey(68, 'long_');
    expect(stored.length).toBe(73);
    const [first72, other] = [stored.slice(0, 72), `${stored.slice(0, 72)}y`];
    const hash = await bcrypt.hash(stored, 4);
    expect(await bcrypt.compare(other, hash)).toBe(true);
    await importOne(line(stored, { algorithm: 'bcrypt', hash, lookup: lookupOf(stored) }));
    for (const key of [stored, other]) expect((await verify(broker, key)).code).toBe('NOT_FOUND');
    expect((await verify(broker, first72)).code).toBe('VALID');
  });
});

test('a revoke stands, before and after the first use', async () => {
  const [before, after] = [foreignKey(), foreignKey()];
  const [beforeId, afterId] = [await importOne(line(before)), await importOne(line(after))];
  await revoke(broker, beforeId);
  expect((await verify(broker, before)).code).toBe('REVOKED');
  expect((await verify(broker, after)).code).toBe('VALID');
  await revoke(broker, afterId);
  await vi.waitFor(async () => expect(await isDigested(afterId)).toBe(true));
  for (const key of [before, after, before, after]) expect((await verify(broker, key)).code).toBe('REVOKED');
  // The same hash again brings neither back.
  const [again] = await send([line(before)]);
  expect(again.error.code).toBe('KEY_ALREADY_EXISTS');
  expect((await verify(broker, before)).code).toBe('REVOKED');
});

test('a revoke and the first use at once leave a revoked key', async () => {
  const many = Array.from({ length: 8 }, () => foreignKey());
  const answers = await send(many.map((key) => line(key)));
  // A busy machine answers 503, which decides nothing.
  const calm = { call: insisting(broker.call) };
  await Promise.all(many.flatMap((key, index) => [verify(calm, key), revoke(calm, answers[index].key_id)]));
  for (const key of many) expect((await verify(calm, key)).code).toBe('REVOKED');
});

test('a flood of wrong bcrypt keys is refused with 503, and ordinary verification goes on', async () => {
  const key = foreignKey();
  const hash = await bcrypt.hash(key, 10);
  await importOne(line(key, { algorithm: 'bcrypt', hash, lookup: lookupOf(key) }));
  const wrong = Array.from({ length: 40 }, (_, at) => `${key.slice(0, -2)}${String(at).padStart(2, '0')}`);
  const flood = wrong.map((text) => broker.call(`POST ${keysPath}/verify`, { body: { key: text } }));
  const ordinary = await mint(broker);
  expect((await verify(broker, ordinary.key)).code).toBe('VALID');
  const answers = await Promise.all(flood);
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused.length).toBeGreaterThan(20);
  for (const { body, headers } of refused) {
    expect(body.error.code).toBe('OVERLOADED');
    expect(headers.get('retry-after')).not.toBeNull();
  }
  const decided = answers.filter(({ status }) => status === 200);
  expect(new Set(decided.map(({ body }) => body.code))).toEqual(new Set(['NOT_FOUND']));
  expect((await verify(broker, key)).code).toBe('VALID');
});

describe('a file', () => {
  test('is answered line by line', async () => {
    const [taken, key] = [newOwner(), foreignKey()];
    const { key_id } = await mint(broker, taken);
    const slow = { algorithm: 'bcrypt', hash: await bcrypt.hash(key, 4) };
    const answers = await send([
      line(key),
      { ...line(foreignKey()), ...taken },
      '{"user_id":',
      line(foreignKey(), { colour: 'red' }),
      line(foreignKey(), { hash: 'abc' }),
      line(foreignKey(), slow),
      line(foreignKey(), { ...slow, lookup: 'other_abcd' }),
      line(foreignKey(), { salt_position: 'after' }),
      line(foreignKey(), { expires_at: '2001-01-01T00:00:00Z' }),
      line(key),
    ]);
    expect(codes(answers)).toEqual([
      'imported',
      'KEY_ALREADY_EXISTS',
      'INVALID_JSON',
      ...Array(6).fill('VALIDATION_ERROR'),
      'KEY_ALREADY_EXISTS',
    ]);
    expect(answers[1].error.details).toEqual({ key_id });
    expect(JSON.stringify(answers)).not.toContain(sha256(key));
    const paths = answers.slice(4, 9).map(({ error }) => error.details[0].path);
    expect(paths).toEqual(['hash', 'lookup', 'lookup', 'salt_position', 'expires_at']);
  });

  test('twice makes no second key', async () => {
    const file = [line(foreignKey()), line(foreignKey()), line(foreignKey(), { salt: 'repeated' })];
    const first = await send(file);
    const second = await send(file);
    expect(codes(second)).toEqual(['unchanged', 'unchanged', 'unchanged']);
    expect(second.map(({ key_id }) => key_id)).toEqual(first.map(({ key_id }) => key_id));
  });

  test('of a key that was deleted since brings it not back, and holds up no other line', async () => {
    const [gone, fresh] = [line(foreignKey()), line(foreignKey())];
    const keyId = await importOne(gone);
    await revoke(broker, keyId);
    await broker.db.deleteFrom('api_keys').where('id', '=', keyId).execute();
    expect(codes(await send([gone, fresh]))).toEqual(['KEY_ALREADY_EXISTS', 'imported']);
  });

  test('in a dry run says the same and writes nothing', async () => {
    const counted = async () => {
      const { rows } = await sql`
        SELECT (SELECT count(*) FROM api_keys) AS keys, (SELECT count(*) FROM imported_keys) AS imported,
          (SELECT count(*) FROM organizations) AS organizations, (SELECT count(*) FROM import_recipes) AS recipes,
          (SELECT count(*) FROM audit_events) AS events`.execute(broker.db);
      return rows[0];
    };
    const taken = newOwner();
    await mint(broker, taken);
    const key = foreignKey();
    const file = [line(key, { salt: 'dry' }), { ...line(foreignKey()), ...taken }];
    const before = await counted();
    const dry = await send(file, '?dry_run=true');
    expect(codes(dry)).toEqual(['importable', 'KEY_ALREADY_EXISTS']);
    expect(dry[0].key_id).toBeUndefined();
    expect(await counted()).toEqual(before);
    expect((await verify(broker, key)).code).toBe('NOT_FOUND');
    expect(codes(await send(file))).toEqual(['imported', 'KEY_ALREADY_EXISTS']);
  });

  test('has 16 salts at most; a place that no key waits in is free after an hour', async () => {
    const taken = newOwner();
    await mint(broker, taken);
    const refused = Array.from({ length: 16 }, (_, at) => ({
      ...line(foreignKey(), { salt: `full-${at}` }),
      ...taken,
    }));
    await send(refused);
    const key = foreignKey();
    const wanted = { ...line(key, { salt: 'one more' }), hash: sha256(`one more${key}`) };
    expect(codes(await send([wanted]))).toEqual(['VALIDATION_ERROR']);
    await sql`UPDATE import_recipes SET created_at = now() - interval '61 minutes'`.execute(broker.db);
    expect(codes(await send([wanted], '?dry_run=true'))).toEqual(['importable']);
    expect(codes(await send([wanted]))).toEqual(['imported']);
    await sql`UPDATE import_recipes SET created_at = now() - interval '61 minutes'`.execute(broker.db);
    await send([line(foreignKey(), { salt: 'yet another' })]);
    expect((await verify(broker, key)).code, 'a key waits in this one').toBe('VALID');
  });

  test('names one lookup for four keys at most', async () => {
    const hash = await bcrypt.hash('x', 4);
    const file = Array.from({ length: 5 }, (_, at) =>
      line('x', { algorithm: 'bcrypt', hash: `${hash.slice(0, -1)}${at}`, lookup: 'acme_crowd' }),
    );
    expect(codes(await send(file))).toEqual([...Array(4).fill('imported'), 'VALIDATION_ERROR']);
  });
});

describe('the rules of a mint hold', () => {
  test('for a master key that may use one organization, and one environment', async () => {
    const own = newOwner();
    const { secret } = await broker.createMasterKey({
      permissions: ['keys:import'],
      organizationIds: [own.organization_id],
    });
    const [, theirs] = [foreignKey(), foreignKey()];
    await importOne(line(theirs));
    const answers = await send(
      [
        { ...line(foreignKey()), ...own },
        line(foreignKey()),
        { ...line(theirs), user_id: 'u2', organization_id: own.organization_id },
      ],
      '',
      { as: secret },
    );
    expect(codes(answers)).toEqual(['imported', 'INSUFFICIENT_PERMISSIONS', 'KEY_ALREADY_EXISTS']);
    // The other key lies outside of what this master key may see.
    expect(answers[2].error.details).toEqual({});
    const progress = await broker.call(`GET ${path}/progress`, { as: secret });
    expect(progress.body).toEqual({
      ...{ total: 1, left: 1, ended: 0 },
      by_algorithm: [{ algorithm: 'sha256', total: 1, left: 1, ended: 0 }],
    });
  });

  test('of living keys', async () => {
    const { secret } = await broker.createMasterKey({
      permissions: ['keys:import'],
      settings: { mintQuota: null, livingKeysMax: 2, keyAgeSecondsMax: null },
    });
    const answers = await send(
      [1, 2, 3].map(() => line(foreignKey())),
      '',
      { as: secret },
    );
    expect(codes(answers)).toEqual(['imported', 'imported', 'MINT_QUOTA_EXCEEDED']);
  });

  test('of the audit log: one event, with no secret in it', async () => {
    const key = foreignKey();
    const keyId = await importOne(line(key));
    const { body } = await getKey(broker, keyId);
    expect(body).toMatchObject({ key_id: keyId, key_prefix: '' });
    const events = (await auditEventsOf(broker, { targetId: keyId })) as { event_type: string }[];
    expect(events.map(({ event_type }) => event_type)).toEqual(['key.imported']);
    expect(JSON.stringify(events)).not.toContain(sha256(key));
  });
});
