import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { insist } from '../../support/insist.ts';
import { lockWaiters } from '../../support/lock-waiters.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { bootstrapped, type LoggedIn, logIn, platformUser, tryLogIn } from '../../support/platform-users.ts';
import { withConnection } from '../../support/query.ts';
import { enrollTotp, totpCode, tryLogInWith } from '../../support/second-factors.ts';
import { stopClock, walkClock } from '../../support/walk-clock.ts';

const own = '/api/v1/platform/auth';

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
});
afterAll(() => broker.close());

const call = (operation: string, { headers }: { headers: Record<string, string> }, body?: unknown) =>
  broker.call(operation, { as: null, headers, ...(body !== undefined && { body }) });

/** A user with an authenticator app. */
async function owner() {
  const user = await platformUser(broker, root);
  const { id: factorId, secret, codes } = await enrollTotp(broker, user);
  return { ...user, factorId, secret, codes };
}

const totp = (secret: string, steps = 0) => ({ kind: 'totp', code: totpCode(broker, secret, steps) });
const recovery = (code: string | undefined) => ({ kind: 'recovery_code', code });
const wrong = { kind: 'totp', code: '000000' };

describe('setting up an authenticator app', () => {
  test('the secret is in the answer alone: in the database it lies sealed', async () => {
    const user = await platformUser(broker, root);
    const { body, headers } = await call(`POST ${own}/totp`, user);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body.uri).toMatch(/^otpauth:\/\/totp\/Flowplate%20Keys:/);
    expect(body.uri).toContain(`secret=${body.secret}`);
    const { rows } = await sql`SELECT second_factors::text AS row FROM second_factors`.execute(broker.db);
    expect(JSON.stringify(rows)).not.toContain(body.secret);
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(body.secret).toString('hex'));
  });

  test('counts only once a code has proved it, and a wrong code proves nothing', async () => {
    const user = await platformUser(broker, root);
    const { body } = await call(`POST ${own}/totp`, user);
    expectError(
      await call(`POST ${own}/totp/activate`, user, { code: '000000' }),
      401,
      'SECOND_FACTOR_INVALID',
    );
    expectViolations(await call(`POST ${own}/totp/activate`, user, { code: '12345' }), 'code');
    expect((await tryLogIn(broker, user.email)).status).toBe(200);
    const code = totpCode(broker, body.secret);
    const events = (await auditEventsOf(broker, { targetId: user.id })).slice(-2);
    expect(events.map(({ event_type, details }) => [event_type, details])).toEqual([
      ['platform.second_factor.added', { kind: 'totp', code: 'SECOND_FACTOR_INVALID' }],
      ['platform.login.succeeded', expect.anything()],
    ]);
    const done = await call(`POST ${own}/totp/activate`, user, { code });
    expect(done.status).toBe(201);
    expect(done.headers.get('cache-control')).toBe('no-store');
    expect(new Set(done.body.recovery_codes).size).toBe(10);
    expectError(await call(`POST ${own}/totp/activate`, user, { code }), 404, 'SECOND_FACTOR_NOT_FOUND');
    expectError(await call(`POST ${own}/totp`, user), 409, 'SECOND_FACTOR_ALREADY_EXISTS');
    const listed = (await call(`GET ${own}/second-factors`, user)).body;
    expect(listed).toMatchObject({ setting: 'optional', recovery_codes_left: 10 });
    expect(listed.factors).toMatchObject([{ id: done.body.id, kind: 'totp' }]);
  });

  test('is an entry of the change feed, so that a restored database knows that it is missing', async () => {
    const user = await platformUser(broker, root);
    const { rows } = await sql<{ seq: number }>`SELECT max(seq) AS seq FROM key_changes`.execute(broker.db);
    await enrollTotp(broker, user);
    const told = await sql`
      SELECT kind, subject_id FROM key_changes WHERE seq > ${rows[0]?.seq ?? 0}`.execute(broker.db);
    expect(told.rows).toContainEqual({ kind: 'platform_user', subject_id: user.id });
  });

  test('ends the other sessions, which began without it, and is written down without a secret', async () => {
    const user = await platformUser(broker, root);
    const other = await logIn(broker, user.email);
    const { id, secret, codes } = await enrollTotp(broker, user);
    expect((await call(`GET ${own}/me`, other)).status).toBe(401);
    expect((await call(`GET ${own}/me`, user)).status).toBe(200);
    const events = await auditEventsOf(broker, { targetId: user.id });
    expect(events.at(-1)).toMatchObject({
      event_type: 'platform.second_factor.added',
      actor_id: user.id,
      details: { id, kind: 'totp' },
    });
    const written = JSON.stringify(events) + broker.logLines.join('');
    for (const kept of [secret, ...codes]) expect(written).not.toContain(kept);
  });

  test('a platform key has none: 404, and an empty list', async () => {
    const key = await platformKey(broker);
    expectError(await call(`POST ${own}/totp`, key), 404, 'SESSION_NOT_FOUND');
    expect((await call(`GET ${own}/second-factors`, key)).body.factors).toEqual([]);
  });
});

describe('a login with an authenticator app', () => {
  test('only who knows the password learns that the account has one', async () => {
    const user = await owner();
    const unknown = await tryLogIn(broker, 'nobody@example.com', 'not the right password');
    const wrongPassword = await tryLogIn(broker, user.email, 'not the right password');
    expect(bytesOf(wrongPassword)).toBe(bytesOf(unknown));
    const asked = await tryLogIn(broker, user.email);
    expect(expectError(asked, 401, 'SECOND_FACTOR_REQUIRED')).toEqual({ methods: ['totp', 'recovery_code'] });
  });

  test('takes the code, and the session says that it was used', async () => {
    const user = await owner();
    const { status, body } = await tryLogInWith(broker, user.email, totp(user.secret));
    expect(status).toBe(200);
    const session = { headers: { authorization: `Bearer ${body.token}` } };
    const [current] = (await call(`GET ${own}/sessions`, session)).body;
    expect(current).toMatchObject({ method: 'password', second_factor: 'totp', current: true });
  });

  test('accepts each code once, also that of an earlier step and that of the enrolment', async () => {
    const user = await owner();
    expectError(await tryLogInWith(broker, user.email, totp(user.secret, -1)), 401, 'SECOND_FACTOR_INVALID');
    expect((await tryLogInWith(broker, user.email, totp(user.secret, 1))).status).toBe(200);
    for (const steps of [1, 0]) {
      const replayed = await tryLogInWith(broker, user.email, totp(user.secret, steps));
      expectError(replayed, 401, 'SECOND_FACTOR_INVALID');
    }
  });

  test('of several logins at once with one code, one succeeds', async () => {
    const user = await owner();
    const proof = totp(user.secret);
    const answers = await Promise.all([1, 2, 3, 4].map(() => tryLogInWith(broker, user.email, proof)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
  });

  test("refuses the code of another account's app", async () => {
    const [user, other] = [await owner(), await owner()];
    expectError(await tryLogInWith(broker, user.email, totp(other.secret)), 401, 'SECOND_FACTOR_INVALID');
  });

  /** Comes back when the database is too busy: a password takes a core for a tenth of a second. */
  const guess = (email: string) => insist(() => tryLogInWith(broker, email, wrong));

  test('429: wrong codes are counted for the account, also guesses at once, and the right code waits too', async () => {
    const user = await owner();
    stopClock(broker);
    const guesses = await Promise.all(Array.from({ length: 9 }, () => guess(user.email)));
    const codes = guesses.map(({ body }) => body.error.code);
    expect(codes.filter((code) => code === 'SECOND_FACTOR_INVALID')).toHaveLength(6);
    const blocked = await tryLogInWith(broker, user.email, totp(user.secret));
    expectError(blocked, 429, 'TOO_MANY_ATTEMPTS');
    expect(Number(blocked.headers.get('retry-after'))).toBeGreaterThan(0);
    // A quarter of an hour later a password's failures are forgotten; these are not.
    walkClock(broker, 16 * 60_000);
    expectError(await guess(user.email), 401, 'SECOND_FACTOR_INVALID');
    expectError(await guess(user.email), 429, 'TOO_MANY_ATTEMPTS');
    const refused = (await auditEventsOf(broker, { targetId: user.id })).filter(
      ({ event_type }) => event_type === 'platform.login.refused',
    );
    expect(refused).toHaveLength(7);
    expect(refused[0]).toMatchObject({
      actor_kind: 'anybody',
      details: { code: 'SECOND_FACTOR_INVALID', second_factor: 'totp' },
    });
  });

  test('guesses at once take turns at the account, so none slips in between the check and the count', async () => {
    const user = await owner();
    stopClock(broker);
    for (let failure = 0; failure < 5; failure++) await guess(user.email);
    const answers = await withConnection(broker.config.DATABASE_URL, async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT id FROM platform_users WHERE id = $1 FOR UPDATE', [user.id]);
      const answering = Promise.all([1, 2].map(() => guess(user.email)));
      await eventually(
        5_000,
        () => lockWaiters(broker.db),
        (count) => count >= 2,
      );
      await client.query('ROLLBACK');
      return answering;
    });
    expect(answers.map(({ status }) => status).sort()).toEqual([401, 429]);
  });

  test('without the code no session begins, and no failure is forgotten', async () => {
    const user = await owner();
    stopClock(broker);
    for (let failure = 0; failure < 6; failure++) await guess(user.email);
    expectError(await tryLogIn(broker, user.email), 401, 'SECOND_FACTOR_REQUIRED');
    expectError(await guess(user.email), 429, 'TOO_MANY_ATTEMPTS');
    const sessions = await broker.db
      .selectFrom('platform_sessions')
      .select('id')
      .where('user_id', '=', user.id)
      .execute();
    expect(sessions).toHaveLength(1);
  });

  test('a proof for an account without a second factor changes nothing', async () => {
    const user = await platformUser(broker, root);
    expect((await tryLogInWith(broker, user.email, wrong)).status).toBe(200);
  });
});

describe('a recovery code', () => {
  test('lets in once, in any case and with or without hyphens, and lies in the database as a keyed hash', async () => {
    const user = await owner();
    const [first, second = ''] = user.codes;
    const { rows } = await sql`SELECT recovery_codes::text AS row FROM recovery_codes`.execute(broker.db);
    expect(JSON.stringify(rows)).not.toContain(first);
    expect((await tryLogInWith(broker, user.email, recovery(first))).status).toBe(200);
    expectError(await tryLogInWith(broker, user.email, recovery(first)), 401, 'SECOND_FACTOR_INVALID');
    const typed = second.replaceAll('-', '').toUpperCase();
    expect((await tryLogInWith(broker, user.email, recovery(typed))).status).toBe(200);
    expect((await call(`GET ${own}/second-factors`, user)).body.recovery_codes_left).toBe(8);
  });

  test('of two logins at once with one code, one succeeds', async () => {
    const user = await owner();
    const answers = await Promise.all(
      [1, 2, 3].map(() => tryLogInWith(broker, user.email, recovery(user.codes[0]))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
  });

  test("of another account is refused, and stays that account's", async () => {
    const [user, other] = [await owner(), await owner()];
    const stolen = recovery(other.codes[0]);
    expectError(await tryLogInWith(broker, user.email, stolen), 401, 'SECOND_FACTOR_INVALID');
    expect((await tryLogInWith(broker, other.email, stolen)).status).toBe(200);
  });

  test('is void once new ones are made; an account without a factor gets none', async () => {
    const user = await owner();
    const renewed = await call(`POST ${own}/recovery-codes`, user);
    expect(renewed.status).toBe(201);
    expectError(
      await tryLogInWith(broker, user.email, recovery(user.codes[0])),
      401,
      'SECOND_FACTOR_INVALID',
    );
    const [fresh] = renewed.body.recovery_codes;
    expect((await tryLogInWith(broker, user.email, recovery(fresh))).status).toBe(200);
    const without = await platformUser(broker, root);
    expectError(await call(`POST ${own}/recovery-codes`, without), 404, 'SECOND_FACTOR_NOT_FOUND');
  });
});

describe('taking a factor away', () => {
  test("another user's factor is not found, like one that does not exist", async () => {
    const [user, other] = [await owner(), await owner()];
    const foreign = await call(`DELETE ${own}/second-factors/${other.factorId}`, user);
    const missing = await call(`DELETE ${own}/second-factors/sf_000000000000`, user);
    expectError(foreign, 404, 'SECOND_FACTOR_NOT_FOUND');
    expect(bytesOf(foreign)).toBe(bytesOf(missing));
  });

  test('with the last one the recovery codes go, and the password alone lets in', async () => {
    const user = await owner();
    expect((await call(`DELETE ${own}/second-factors/${user.factorId}`, user)).status).toBe(200);
    const left = (await call(`GET ${own}/second-factors`, user)).body;
    expect(left).toEqual({ setting: 'optional', factors: [], recovery_codes_left: 0 });
    expect((await tryLogIn(broker, user.email)).status).toBe(200);
    const [session] = (await call(`GET ${own}/sessions`, await logIn(broker, user.email))).body;
    expect(session.second_factor).toBeNull();
    const events = await auditEventsOf(broker, { targetId: user.id });
    expect(events).toContainEqual(
      expect.objectContaining({
        event_type: 'platform.second_factor.removed',
        details: { id: user.factorId, kind: 'totp', was_last: true },
      }),
    );
  });

  test('with the last one the sessions of devices end that it has approved, and others stay', async () => {
    const user = await owner();
    const began = { user_id: user.id, address: null, user_agent: 'x', created_at: new Date() };
    const expires_at = new Date(Date.now() + 3_600_000);
    await broker.db
      .insertInto('platform_sessions')
      .values([
        { ...began, id: 'psess_proven', expires_at, method: 'device', second_factor: 'totp' },
        { ...began, id: 'psess_unproven', expires_at, method: 'device', second_factor: null },
      ])
      .execute();
    expect((await call(`DELETE ${own}/second-factors/${user.factorId}`, user)).status).toBe(200);
    const left = (await call(`GET ${own}/sessions`, user)).body.map(({ id }: { id: string }) => id);
    expect(left).toContain('psess_unproven');
    expect(left).not.toContain('psess_proven');
  });

  test("a super-admin resets another's: sessions and codes end, the password alone lets in, and it is written down", async () => {
    const user = await owner();
    const path = `DELETE /api/v1/platform/users/${user.id}/second-factors`;
    const operator = await platformUser(broker, root, ['role_platform_operator']);
    expectError(await call(path, operator), 403, 'INSUFFICIENT_PERMISSIONS');
    expectError(await call(path, user), 403, 'SELF_ACTION_FORBIDDEN');
    const missing = 'DELETE /api/v1/platform/users/puser_000000000000/second-factors';
    expectError(await call(missing, root), 404, 'USER_NOT_FOUND');
    const reset = await call(path, root);
    expect(reset.body).toEqual({ success: true, removed_count: 1 });
    expect((await call(`GET ${own}/me`, user)).status).toBe(401);
    expect((await tryLogIn(broker, user.email)).status).toBe(200);
    const events = await auditEventsOf(broker, { targetId: user.id });
    expect(events).toContainEqual(
      expect.objectContaining({ event_type: 'platform.second_factor.reset', actor_id: root.id }),
    );
  });
});

test('a rotated pepper: the app goes on and is sealed anew, and recovery codes go on', async () => {
  const user = await owner();
  const { FLOWPLATE_PEPPERS: old } = broker.env;
  const peppers = `p2:${Buffer.alloc(32, 7).toString('base64url')},${old}`;
  const rotated = await broker.replica({ FLOWPLATE_PEPPERS: peppers });
  try {
    expect((await tryLogInWith(rotated, user.email, totp(user.secret))).status).toBe(200);
    expect((await tryLogInWith(rotated, user.email, recovery(user.codes[0]))).status).toBe(200);
    const app = await broker.db
      .selectFrom('second_factors')
      .select('pepper_id')
      .where('id', '=', user.factorId)
      .executeTakeFirstOrThrow();
    expect(app.pepper_id).toBe('p2');
    expect((await tryLogInWith(rotated, user.email, totp(user.secret, 1))).status).toBe(200);
  } finally {
    await rotated.close();
  }
});
