import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import {
  bootstrapped,
  goodPassword,
  type LoggedIn,
  logIn,
  platformUser,
  tryLogIn,
} from '../../support/platform-users.ts';
import { confirm, enrollTotp, totpCode, tryLogInWith } from '../../support/second-factors.ts';

const own = '/api/v1/platform/auth';

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
});
afterAll(() => broker.close());

type Headers = { headers: Record<string, string> };

/** Another process of the same deployment, with this setting. */
async function replicaWith(SECOND_FACTOR: string, use: (replica: TestBroker) => Promise<void>) {
  const replica = await broker.replica({ SECOND_FACTOR });
  try {
    await use(replica);
  } finally {
    await replica.close();
  }
}

const call = (at: TestBroker, operation: string, { headers }: Headers, body?: unknown) =>
  at.call(operation, { as: null, headers, ...(body !== undefined && { body }) });

describe('SECOND_FACTOR=required', () => {
  test('a session without one may set one up and nothing else, whatever its rights', async () => {
    await tenantKey(broker, 'org_other');
    const user = await platformUser(broker, root);
    await replicaWith('required', async (replica) => {
      const me = await call(replica, `GET ${own}/me`, user);
      expect(me.body).toMatchObject({ id: user.id, lacks_second_factor: true });
      const inside = { headers: { ...user.headers, 'x-flowplate-org': 'org_other' } };
      for (const [operation, by] of [
        ['GET /api/v1/platform/users', user],
        ['GET /api/v1/platform/names', user],
        ['POST /api/v1/platform/master-keys', user],
        ['GET /api/v1/apikeys', user],
        ['POST /api/v1/apikeys', user],
        ['GET /api/v1/apikeys', inside],
        ['GET /api/v1/environments', inside],
        ['GET /api/v1/platform/hidden-keys', inside],
      ] as const) {
        expectError(await call(replica, operation, by), 403, 'SECOND_FACTOR_MISSING');
      }
      const { secret } = await enrollTotp(replica, user);
      expect((await call(replica, 'GET /api/v1/platform/users', user)).status).toBe(200);
      const proof = { kind: 'totp', code: totpCode(replica, secret) };
      expect((await tryLogInWith(replica, user.email, proof)).status).toBe(200);
      const listed = (await call(replica, `GET ${own}/second-factors`, user)).body;
      const [{ id }] = listed.factors;
      await call(replica, `DELETE ${own}/second-factors/${id}`, user);
      expectError(await call(replica, 'GET /api/v1/platform/users', user), 403, 'SECOND_FACTOR_MISSING');
    });
  });

  test('a session from before is confirmed with the factor that the account has', async () => {
    const user = await platformUser(broker, root);
    const { secret } = await enrollTotp(broker, user);
    let early: LoggedIn | undefined;
    await replicaWith('off', async (replica) => {
      early = await logIn(replica, user.email);
    });
    await replicaWith('required', async (replica) => {
      const session = early as LoggedIn;
      const list = () => call(replica, 'GET /api/v1/platform/users', session);
      expectError(await list(), 403, 'SECOND_FACTOR_MISSING');
      const second_factor = { kind: 'totp', code: totpCode(replica, secret) };
      expect((await confirm(replica, session, { second_factor })).status).toBe(200);
      expect((await list()).status).toBe(200);
    });
  });

  test('machines keep their rights', async () => {
    const key = await platformKey(broker);
    await replicaWith('required', async (replica) => {
      expect((await call(replica, 'GET /api/v1/platform/users', key)).status).toBe(200);
    });
  });
});

describe('SECOND_FACTOR=off', () => {
  test('the password is enough, none can be set up, and those that exist can be taken away', async () => {
    const user = await platformUser(broker, root);
    const { id } = await enrollTotp(broker, user);
    await replicaWith('off', async (replica) => {
      expect((await tryLogIn(replica, user.email)).status).toBe(200);
      expect((await confirm(replica, user, { password: goodPassword })).status).toBe(200);
      for (const operation of [`POST ${own}/totp`, `POST ${own}/recovery-codes`]) {
        expectError(await call(replica, operation, user), 403, 'SECOND_FACTORS_OFF');
      }
      const activate = await call(replica, `POST ${own}/totp/activate`, user, { code: '123456' });
      expectError(activate, 403, 'SECOND_FACTORS_OFF');
      expect((await call(replica, `DELETE ${own}/second-factors/${id}`, user)).status).toBe(200);
    });
  });
});
