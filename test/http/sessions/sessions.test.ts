import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import argon2 from 'argon2';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hmac } from '../../../src/domain/key-digest.ts';
import { unseal } from '../../../src/domain/seal.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { platformKey } from '../../support/platform-callers.ts';
import {
  bootstrapped,
  goodPassword,
  type LoggedIn,
  logIn,
  platformUser,
  tryLogIn,
} from '../../support/platform-users.ts';
import { walkClock } from '../../support/walk-clock.ts';

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
});
afterAll(() => broker.close());

const me = (headers: Record<string, string>) =>
  broker.call('GET /api/v1/platform/auth/me', { as: null, headers });
const meBy = (token: string) => me({ authorization: `Bearer ${token}` });

describe('log-in', () => {
  test('gives a token for a day and the user, and the answer is not cached', async () => {
    const before = Date.now();
    const { status, body, headers } = await tryLogIn(broker, 'ROOT@example.com');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body.user).toMatchObject({ id: root.id, email: 'root@example.com', is_active: true });
    expect(Object.keys(body)).toEqual(['token', 'expires_at', 'user']);
    const lifeMs = new Date(body.expires_at).getTime() - before;
    expect(Math.abs(lifeMs - 86_400_000)).toBeLessThan(10_000);
    expect((await meBy(body.token)).body).toMatchObject({ id: root.id, role_ids: ['role_platform_admin'] });
  });

  test('an unknown address and a wrong password get the same answer, byte for byte', async () => {
    const unknown = await tryLogIn(broker, 'nobody@example.com');
    const wrong = await tryLogIn(broker, root.email, 'not the right password');
    expectError(unknown, 401, 'INVALID_CREDENTIALS');
    expect(bytesOf(wrong)).toBe(bytesOf(unknown));
  });

  test('an unknown address costs as many hashes as a wrong password: one', async () => {
    const hashing = vi.spyOn(argon2, 'verify');
    for (const email of ['nobody@example.com', root.email]) {
      hashing.mockClear();
      await tryLogIn(broker, email, 'not the right password');
      expect(hashing).toHaveBeenCalledTimes(1);
    }
    hashing.mockRestore();
  });

  test('the same address in another case and form of Unicode is the same account', async () => {
    const user = await platformUser(broker, root);
    const wide = user.email.toUpperCase().replace('U', 'Ｕ');
    expect((await logIn(broker, wide)).id).toBe(user.id);
  });

  test('a deactivated user learns so only with the right password', async () => {
    const user = await platformUser(broker, root);
    await update(user.id, { is_active: false });
    expectError(await tryLogIn(broker, user.email), 403, 'ACCOUNT_INACTIVE');
    expectError(await tryLogIn(broker, user.email, 'a wrong password'), 401, 'INVALID_CREDENTIALS');
  });

  test('a failed attempt is written down without what was typed, and a success with its session', async () => {
    const typed = 'Not-An-Address-But-A-Password@x';
    await tryLogIn(broker, typed, 'something else');
    const rows = await broker.db.selectFrom('audit_events').selectAll().execute();
    expect(JSON.stringify(rows).toLowerCase()).not.toContain(typed.toLowerCase());
    const refused = rows.filter(({ event_type }) => event_type === 'platform.login.refused');
    expect(refused.at(-1)).toMatchObject({ result: 'refused', target_id: 'unknown' });
    const succeeded = rows.filter(({ event_type }) => event_type === 'platform.login.succeeded');
    expect(succeeded[0]).toMatchObject({ target_id: root.id, actor_id: root.id });
  });

  test.each([
    ['no password', { email: 'a@example.com' }],
    ['no address', { password: goodPassword }],
    ['something that is no address', { email: 'nobody', password: goodPassword }],
    ['a field too many', { email: 'a@example.com', password: goodPassword, role_ids: [] }],
  ])('%s is refused', async (_what, body) => {
    const answer = await broker.call('POST /api/v1/platform/auth/login', { as: null, body });
    expectError(answer, 422, 'VALIDATION_ERROR');
  });
});

describe('after repeated failures', () => {
  test('the account has to wait longer and longer, and the right password does not help meanwhile', async () => {
    const user = await platformUser(broker, root);
    for (let attempt = 0; attempt < 6; attempt++) {
      expectError(await tryLogIn(broker, user.email, 'wrong password'), 401, 'INVALID_CREDENTIALS');
    }
    const blocked = await tryLogIn(broker, user.email);
    expectError(blocked, 429, 'TOO_MANY_ATTEMPTS');
    expect(Number(blocked.headers.get('retry-after'))).toBe(1);
    expect((await meBy(user.token)).status).toBe(200);
  });

  test('the wait ends, doubles with the next failure, and a success forgets it all', async () => {
    const other = await startBroker();
    try {
      const first = await bootstrapped(other);
      const fail = () => tryLogIn(other, first.email, 'wrong password');
      for (let attempt = 0; attempt < 6; attempt++) await fail();
      for (const waitSeconds of [1, 2, 4, 8]) {
        const refused = await tryLogIn(other, first.email);
        expect(refused.headers.get('retry-after')).toBe(String(waitSeconds));
        walkClock(other, waitSeconds * 1_000);
        expect((await fail()).status).toBe(401);
      }
      walkClock(other, 16_000);
      await logIn(other, first.email);
      expect((await fail()).status).toBe(401);
      await logIn(other, first.email);
    } finally {
      await other.close();
    }
  });

  test('other accounts from the same address are not kept out', async () => {
    const victim = await platformUser(broker, root);
    const neighbour = await platformUser(broker, root);
    for (let attempt = 0; attempt < 7; attempt++) await tryLogIn(broker, victim.email, 'wrong password');
    await logIn(broker, neighbour.email);
  });
});

describe('a token is refused', () => {
  test('after log-out, at every replica', async () => {
    const user = await platformUser(broker, root);
    const replica = await broker.replica();
    const { headers } = user;
    expect((await broker.call('POST /api/v1/platform/auth/logout', { as: null, headers })).status).toBe(200);
    expectError(await me(headers), 401, 'AUTHENTICATION_REQUIRED');
    const elsewhere = await replica.call('GET /api/v1/platform/auth/me', { as: null, headers });
    expectError(elsewhere, 401, 'AUTHENTICATION_REQUIRED');
    await replica.close();
  });

  test.each([
    ['deactivated', { is_active: false }],
    ['given a new password', { password: 'another fine long password' }],
  ])('once its user was %s', async (_what, change) => {
    const user = await platformUser(broker, root);
    expect((await me(user.headers)).status).toBe(200);
    await update(user.id, change);
    expectError(await me(user.headers), 401, 'AUTHENTICATION_REQUIRED');
  });

  test('once its user was deleted', async () => {
    const user = await platformUser(broker, root);
    const { headers } = root;
    await broker.call(`DELETE /api/v1/platform/users/${user.id}`, { as: null, headers });
    expectError(await me(user.headers), 401, 'AUTHENTICATION_REQUIRED');
  });

  test('after its day', async () => {
    const other = await startBroker();
    try {
      const first = await bootstrapped(other);
      walkClock(other, 86_400_000 + 6_000);
      const answer = await other.call('GET /api/v1/platform/auth/me', { as: null, headers: first.headers });
      expectError(answer, 401, 'AUTHENTICATION_REQUIRED');
    } finally {
      await other.close();
    }
  });

  test('when it was changed, is unsigned, signed by another algorithm, or with our public key as a secret', async () => {
    const [head = '', payload = '', signature = ''] = root.token.split('.');
    const header = JSON.parse(Buffer.from(head, 'base64url').toString());
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const { public_key: publicKey } = await broker.db
      .selectFrom('signing_keys')
      .select('public_key')
      .executeTakeFirstOrThrow();
    const confused = await new SignJWT(claims)
      .setProtectedHeader({ ...header, alg: 'HS256' })
      .sign(Buffer.from(publicKey));
    const foreign = await new SignJWT(claims)
      .setProtectedHeader(header)
      .sign(generateKeyPairSync('ed25519').privateKey);
    const forged = [
      `${head}.${encode({ ...claims, sub: 'puser_000000000000' })}.${signature}`,
      `${encode({ alg: 'none', typ: header.typ })}.${payload}.`,
      `${encode({ ...header, alg: 'none' })}.${payload}.${signature}`,
      `${encode({ ...header, kid: 'sig_000000000000' })}.${payload}.${signature}`,
      confused,
      foreign,
      `${head}.${payload}`,
      `${root.token}x`,
    ];
    for (const token of forged) expectError(await meBy(token), 401, 'AUTHENTICATION_REQUIRED');
  });

  test('when its key is ours but its audience or kind is another', async () => {
    const row = await broker.db.selectFrom('signing_keys').selectAll().executeTakeFirstOrThrow();
    const pepper = broker.config.FLOWPLATE_PEPPERS[0];
    const pem = unseal(hmac(pepper, `signing key\n${row.id}`), 'signing key', row.sealed_private_key);
    const [head = '', payload = ''] = root.token.split('.');
    const header = JSON.parse(Buffer.from(head, 'base64url').toString());
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const sign = (changed: object, changedHeader: object = {}) =>
      new SignJWT({ ...claims, ...changed })
        .setProtectedHeader({ ...header, ...changedHeader })
        .sign(createPrivateKey(pem));
    expect((await meBy(await sign({}))).status).toBe(200);
    for (const token of [
      await sign({ iss: 'somebody-else' }),
      await sign({ aud: 'another-service' }),
      await sign({}, { typ: 'JWT' }),
      await sign({ jti: undefined }),
      await sign({ exp: undefined }),
      await sign({ sub: 'puser_000000000000' }),
    ]) {
      expectError(await meBy(token), 401, 'AUTHENTICATION_REQUIRED');
    }
  });
});

describe('signing keys', () => {
  test('lie in the database sealed, and are renewed after a month while old tokens go on', async () => {
    const other = await startBroker();
    try {
      const first = await bootstrapped(other);
      const keys = () => other.db.selectFrom('signing_keys').selectAll().execute();
      expect((await keys())[0]?.sealed_private_key.toString('latin1')).not.toContain('PRIVATE KEY');
      walkClock(other, 30 * 86_400_000 - 3_600_000);
      const old = await logIn(other, first.email);
      expect(await keys()).toHaveLength(1);
      walkClock(other, 7_200_000);
      const renewed = await logIn(other, first.email);
      expect(await keys()).toHaveLength(2);
      for (const { headers } of [old, renewed]) {
        const answer = await other.call('GET /api/v1/platform/auth/me', { as: null, headers });
        expect(answer.status).toBe(200);
      }
    } finally {
      await other.close();
    }
  });
});

describe('a platform key', () => {
  test('is an operator as well, and the same roles decide', async () => {
    const viewer = await platformKey(broker, ['role_platform_viewer']);
    const { body } = await me(viewer.headers);
    expect(body).toMatchObject({ kind: 'platform_key', id: viewer.id, role_ids: ['role_platform_viewer'] });
    expect(body.permissions).toContain('platform:audit:read');
    expect(body.permissions).not.toContain('platform:users:read');
  });

  test('has no session: log-out does not end it, and it has no password to change', async () => {
    const { headers } = await platformKey(broker);
    await broker.call('POST /api/v1/platform/auth/logout', { as: null, headers });
    expect((await me(headers)).status).toBe(200);
    const body = { current_password: goodPassword, new_password: 'yet another long password' };
    const answer = await broker.call('POST /api/v1/platform/auth/change-password', {
      as: null,
      headers,
      body,
    });
    expectError(answer, 404, 'USER_NOT_FOUND');
  });
});

describe('changing the own password', () => {
  const change = (headers: Record<string, string>, body: unknown) =>
    broker.call('POST /api/v1/platform/auth/change-password', { as: null, headers, body });

  test('needs the current one, ends every session, and the new one works', async () => {
    const user = await platformUser(broker, root);
    const second = await logIn(broker, user.email);
    const wrong = { current_password: 'not my password', new_password: 'a brand new long password' };
    expectError(await change(user.headers, wrong), 401, 'INVALID_CREDENTIALS');
    const answer = await change(user.headers, { ...wrong, current_password: goodPassword });
    expect(answer.body).toEqual({ success: true });
    for (const { headers } of [user, second]) expectError(await me(headers), 401, 'AUTHENTICATION_REQUIRED');
    await logIn(broker, user.email, wrong.new_password);
    expectError(await tryLogIn(broker, user.email), 401, 'INVALID_CREDENTIALS');
  });

  test.each([
    ['short', 'fourteen chars'],
    ['a repeated word', 'passwordpassword'],
    ['digits in a row', '123456789012345'],
    ['a walk over the keyboard', 'qwertyuiopasdfgh'],
    ['the name of this product', 'flowplateflowplate'],
    ['one letter', 'aaaaaaaaaaaaaaaaaaaa'],
    ['endless', 'x'.repeat(257)],
  ])('refuses one that is %s', async (_what, password) => {
    const body = { current_password: goodPassword, new_password: password };
    expectViolations(await change(root.headers, body), 'new_password');
  });

  test('429: with a stolen token the password cannot be found by trying, and other sessions are not held up', async () => {
    const user = await platformUser(broker, root);
    const second = await logIn(broker, user.email);
    const body = { current_password: 'not my password', new_password: 'a brand new long password' };
    for (let attempt = 0; attempt < 6; attempt++) {
      expectError(await change(user.headers, body), 401, 'INVALID_CREDENTIALS');
    }
    const right = { ...body, current_password: goodPassword };
    const blocked = await change(user.headers, right);
    expectError(blocked, 429, 'TOO_MANY_ATTEMPTS');
    expect(Number(blocked.headers.get('retry-after'))).toBe(1);
    const refused = (await auditEventsOf(broker, { targetId: user.id })).filter(
      ({ event_type }) => event_type === 'platform.login.refused',
    );
    expect(refused).toHaveLength(6);
    expect(refused[0]).toMatchObject({ actor_kind: 'platform_user', actor_id: user.id });
    expect((await change(second.headers, right)).status).toBe(200);
  });

  test('takes any characters, the same in another form of Unicode', async () => {
    const user = await platformUser(broker, root);
    const password = 'Größe 猫 und ein ﬁnaler Satz';
    await change(user.headers, { current_password: goodPassword, new_password: password });
    await logIn(broker, user.email, password.normalize('NFKD'));
  });
});

test('neither a password nor a token is in a log line or in the database', async () => {
  const user = await platformUser(broker, root);
  await tryLogIn(broker, user.email, `secret ${randomBytes(8).toString('hex')}`);
  const log = broker.logLines.join('\n');
  for (const secret of [goodPassword, user.token, root.token]) expect(log).not.toContain(secret);
});

function update(id: string, body: unknown) {
  return broker.call(`PUT /api/v1/platform/users/${id}`, { as: null, headers: root.headers, body });
}
