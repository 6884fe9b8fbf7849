import { randomBytes } from 'node:crypto';
import argon2 from 'argon2';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { emailKey } from '../../../src/domain/email.ts';
import { loginSubjects } from '../../../src/domain/login-throttle.ts';
import { addLoginFailure } from '../../../src/stores/postgres/sessions/login-failures.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { bytesOf, expectError } from '../../support/errors.ts';
import { bootstrapped, goodPassword, type LoggedIn, platformUser } from '../../support/platform-users.ts';
import { dayMs, hourMs, stopClock, walkClock } from '../../support/walk-clock.ts';

const home = '203.0.113.7';
const newPlace = '198.51.100.99';
const newPassword = 'another fine long password';

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker({ TRUSTED_PROXIES: '127.0.0.0/8' });
  root = await bootstrapped(broker);
});
afterAll(() => broker.close());

/** A login by way of a proxy of ours, which says where it came from. */
function logInFrom(from: string, email: string, password = goodPassword, at = broker): Promise<Answer> {
  const headers = { 'x-forwarded-for': from };
  return at.call('POST /api/v1/platform/auth/login', { as: null, headers, body: { email, password } });
}

const attacker = (index: number) => `192.0.2.${index % 15}`;

/** So many wrong passwords, from fifteen addresses in turn. */
async function attack(email: string, guesses: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < guesses; index++) {
    statuses.push((await logInFrom(attacker(index), email, `wrong password ${index}`)).status);
  }
  return statuses;
}

/** The state that a long attack leads to, without its hashes: the account waits for a minute. */
async function holdUp(email: string, at = broker): Promise<void> {
  const { account } = loginSubjects(at.config.FLOWPLATE_PEPPERS, emailKey(email), undefined);
  for (let failure = 0; failure < 60; failure++) {
    await addLoginFailure(broker.db, [account], broker.api.parts.clock.now());
  }
}

/** A user whose account is known at `home`. */
async function userAtHome(): Promise<LoggedIn> {
  const user = await platformUser(broker, root);
  expect((await logInFrom(home, user.email)).status).toBe(200);
  return user;
}

describe('while an account is attacked from fifteen addresses', () => {
  test('its owner logs in from a known place, again and again; everybody else waits as before', async () => {
    const { email } = await userAtHome();
    stopClock(broker);
    expect(await attack(email, 51)).toEqual(Array(51).fill(401));
    expectError(await logInFrom(newPlace, email), 429, 'TOO_MANY_ATTEMPTS');
    expectError(await logInFrom(attacker(0), email), 429, 'TOO_MANY_ATTEMPTS');
    for (let login = 0; login < 3; login++) expect((await logInFrom(home, email)).status).toBe(200);
    // The owner's success gives the attack no fifty free guesses more.
    expectError(await logInFrom(newPlace, email), 429, 'TOO_MANY_ATTEMPTS');
  });

  test('a slip of the owner at a known place is answered, and the next login goes through', async () => {
    const { email } = await userAtHome();
    await holdUp(email);
    expectError(await logInFrom(home, email, 'not the right password'), 401, 'INVALID_CREDENTIALS');
    expect((await logInFrom(home, email)).status).toBe(200);
  });

  test('an attacker who shares the known place is slowed down there', async () => {
    const { email } = await userAtHome();
    await holdUp(email);
    stopClock(broker);
    for (let guess = 0; guess < 6; guess++) {
      expectError(await logInFrom(home, email, `wrong password ${guess}`), 401, 'INVALID_CREDENTIALS');
    }
    expectError(await logInFrom(home, email), 429, 'TOO_MANY_ATTEMPTS');
  });

  test('a place that is known to one account is new to another', async () => {
    await userAtHome();
    const { email } = await platformUser(broker, root);
    await holdUp(email);
    expectError(await logInFrom(home, email), 429, 'TOO_MANY_ATTEMPTS');
  });
});

describe('a known place', () => {
  test('of IPv6 is a /64', async () => {
    const { email } = await platformUser(broker, root);
    await logInFrom('2001:db8:9:1::1', email);
    await holdUp(email);
    expectError(await logInFrom('2001:db8:9:2::1', email), 429, 'TOO_MANY_ATTEMPTS');
    expect((await logInFrom('[2001:db8:9:1:ffff::2]:443', email)).status).toBe(200);
  });

  test('has an address: callers without one share none', async () => {
    const { email } = await platformUser(broker, root);
    expect((await logInFrom('unknown', email)).status).toBe(200);
    await holdUp(email);
    expectError(await logInFrom('unknown', email), 429, 'TOO_MANY_ATTEMPTS');
  });

  test('is forgotten 30 days after its last login', async () => {
    const { email } = await userAtHome();
    walkClock(broker, 30 * dayMs - hourMs);
    await holdUp(email);
    expect((await logInFrom(home, email)).status).toBe(200);
    walkClock(broker, 30 * dayMs - hourMs);
    await holdUp(email);
    expect((await logInFrom(home, email)).status).toBe(200);
    walkClock(broker, 30 * dayMs + hourMs);
    await holdUp(email);
    expectError(await logInFrom(home, email), 429, 'TOO_MANY_ATTEMPTS');
  });

  test('is one of the newest twenty of its account', async () => {
    const user = await userAtHome();
    const neighbour = await userAtHome();
    for (let place = 1; place <= 20; place++) {
      expect((await logInFrom(`198.51.100.${place}`, user.email)).status).toBe(200);
    }
    expect(await rowsOf(user.id)).toHaveLength(20);
    await holdUp(user.email);
    expectError(await logInFrom(home, user.email), 429, 'TOO_MANY_ATTEMPTS');
    expect((await logInFrom('198.51.100.1', user.email)).status).toBe(200);
    await holdUp(neighbour.email);
    expect((await logInFrom(home, neighbour.email)).status).toBe(200);
  });

  test('is known to every replica, also one whose pepper is newer', async () => {
    const { email } = await userAtHome();
    const peppers = `p2:${randomBytes(32).toString('base64url')},${broker.env.FLOWPLATE_PEPPERS}`;
    const replica = await broker.replica({ FLOWPLATE_PEPPERS: peppers });
    await holdUp(email, replica);
    expectError(await logInFrom(newPlace, email, goodPassword, replica), 429, 'TOO_MANY_ATTEMPTS');
    expect((await logInFrom(home, email, goodPassword, replica)).status).toBe(200);
    await replica.close();
  });

  test('is stored as a keyed hash, which names neither account nor address', async () => {
    const { id, email } = await userAtHome();
    const rows = await rowsOf(id);
    expect(rows).toHaveLength(2);
    for (const row of rows) expect(row.id).toHaveLength(32);
    const text = rows.map((row) => `${JSON.stringify(row)} ${row.id.toString('latin1')}`).join('\n');
    for (const readable of [email, emailKey(email), home, '127.0.0.1']) expect(text).not.toContain(readable);
  });
});

describe('known places are forgotten', () => {
  const put = (id: string, body: unknown) =>
    broker.call(`PUT /api/v1/platform/users/${id}`, { as: null, headers: root.headers, body });
  const changed = async (id: string, ...bodies: unknown[]) => {
    for (const body of bodies) expect((await put(id, body)).status).toBe(200);
  };

  const cases: Array<[when: string, change: (user: LoggedIn) => Promise<unknown>, password: string]> = [
    [
      'the owner changes the password',
      ({ headers }) =>
        broker.call('POST /api/v1/platform/auth/change-password', {
          as: null,
          headers,
          body: { current_password: goodPassword, new_password: newPassword },
        }),
      newPassword,
    ],
    [
      'the password is reset',
      ({ id }) =>
        broker.call(`POST /api/v1/platform/users/${id}/reset-password`, {
          as: null,
          headers: root.headers,
          body: { password: newPassword },
        }),
      newPassword,
    ],
    ['a super-admin sets the password', ({ id }) => changed(id, { password: newPassword }), newPassword],
    [
      'the account is deactivated, for good',
      ({ id }) => changed(id, { is_active: false }, { is_active: true }),
      goodPassword,
    ],
    [
      'the e-mail address becomes another, and comes back',
      ({ id, email }) => changed(id, { email: `new-${email}` }, { email }),
      goodPassword,
    ],
    [
      'the account is deleted, and its address becomes another account',
      async ({ id, email }) => {
        const { headers } = root;
        await broker.call(`DELETE /api/v1/platform/users/${id}`, { as: null, headers });
        const body = { email, password: goodPassword, name: 'Next', role_ids: [] };
        await broker.call('POST /api/v1/platform/users', { as: null, headers, body });
      },
      goodPassword,
    ],
  ];

  test.each(cases)('when %s', async (_when, change, password) => {
    const user = await userAtHome();
    await change(user);
    expect(await rowsOf(user.id)).toEqual([]);
    await holdUp(user.email);
    expectError(await logInFrom(home, user.email, password), 429, 'TOO_MANY_ATTEMPTS');
  });

  test('and a login that was on its way when the address changed makes no place known', async () => {
    const { id, email } = await userAtHome();
    const hash = Promise.withResolvers<boolean>();
    const hashing = vi.spyOn(argon2, 'verify').mockImplementationOnce(() => hash.promise);
    const login = logInFrom(home, email);
    await vi.waitFor(() => expect(hashing).toHaveBeenCalledOnce(), 5_000);
    await changed(id, { email: `new-${email}` });
    hash.resolve(true);
    expectError(await login, 401, 'INVALID_CREDENTIALS');
    hashing.mockRestore();
    expect(await rowsOf(id)).toEqual([]);
  });

  test('not when a name or the roles change', async () => {
    const user = await userAtHome();
    await changed(user.id, { name: 'Renamed' }, { role_ids: [] }, { email: user.email.toUpperCase() });
    await holdUp(user.email);
    expect((await logInFrom(home, user.email)).status).toBe(200);
  });
});

describe('an unknown account looks like one that exists', () => {
  const nobody = `nobody-${randomBytes(8).toString('hex')}@example.com`;

  test('under the same attack it gets the same answers, byte for byte, at every place', async () => {
    const { email } = await platformUser(broker, root);
    await userAtHome();
    stopClock(broker);
    expect(await attack(nobody, 55)).toEqual(await attack(email, 55));
    for (const from of [home, newPlace, attacker(0)]) {
      const [ofNobody, ofSomebody] = [await logInFrom(from, nobody), await logInFrom(from, email)];
      expectError(ofSomebody, 429, 'TOO_MANY_ATTEMPTS');
      expect(bytesOf(ofNobody)).toBe(bytesOf(ofSomebody));
      expect(ofNobody.headers.get('retry-after')).toBe(ofSomebody.headers.get('retry-after'));
    }
  });

  test('it costs the same statements, while it waits and while it does not', async () => {
    const { email } = await platformUser(broker, root);
    for (const isHeldUp of [false, true]) {
      const statements: string[][] = [];
      for (const account of [`x-${nobody}`, email]) {
        if (isHeldUp) await holdUp(account);
        statements.push(await statementsOf(() => logInFrom(newPlace, account, 'not the right password')));
      }
      const [ofNobody, ofSomebody] = statements;
      expect(ofNobody).toEqual(ofSomebody);
      expect(ofNobody?.join('\n')).toContain('known_places');
      // Reading the account takes as long as its row is big: only where a hash hides it.
      expect(ofNobody?.join('\n').includes('platform_users')).toBe(!isHeldUp);
    }
  });
});

function rowsOf(userId: string) {
  return broker.db.selectFrom('known_places').selectAll().where('user_id', '=', userId).execute();
}

/** The statements about accounts that this sends to Postgres, in their order. */
async function statementsOf(act: () => Promise<unknown>): Promise<string[]> {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  await act();
  const texts = query.mock.calls.map(([first]: unknown[]) =>
    typeof first === 'string' ? first : ((first as { text?: string }).text ?? ''),
  );
  query.mockRestore();
  return texts.filter((text) => /login_failures|known_places|platform_users/.test(text));
}
