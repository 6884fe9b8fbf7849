import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { insist } from '../../support/insist.ts';
import { lockWaiters } from '../../support/lock-waiters.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { goodPassword, logIn, tryLogIn } from '../../support/platform-users.ts';

let broker: TestBroker;
let tenant: Awaited<ReturnType<typeof tenantKey>>;
beforeAll(async () => {
  broker = await startBroker();
  tenant = await tenantKey(broker, 'org_first');
});
afterAll(() => broker.close());

const body = { email: 'admin@example.com', password: goodPassword, name: 'Platform Admin' };
const bootstrap = (headers: Record<string, string>, sent: unknown = body) =>
  broker.call('POST /api/v1/platform/bootstrap', { as: null, headers, body: sent });

test('an anonymous caller, a platform key, a master key and a tenant key without the scope admin cannot', async () => {
  expectError(await bootstrap({}), 401, 'AUTHENTICATION_REQUIRED');
  expectError(await bootstrap((await platformKey(broker)).headers), 403, 'INSUFFICIENT_PERMISSIONS');
  expectError(await bootstrap({ 'x-api-key': broker.masterKey }), 401, 'AUTHENTICATION_REQUIRED');
  const weak = await tenantKey(broker, 'org_first', { scopes: ['read', 'write'] });
  expectError(await bootstrap(weak.headers), 403, 'INSUFFICIENT_PERMISSIONS');
});

test('a guessable password is refused, and nothing is made', async () => {
  expectViolations(await bootstrap(tenant.headers, { ...body, password: 'passwordpassword' }), 'password');
  expectError(await tryLogIn(broker, body.email), 401, 'INVALID_CREDENTIALS');
});

test('of twenty at once one wins, and its user is a super-admin', async () => {
  const replica = await broker.replica();
  const { headers } = tenant;
  const holder = await holdInserts();
  const answering = Promise.all(
    // Those that wait for the lock for too long are told to come back.
    Array.from({ length: 20 }, (_, index) =>
      insist(() =>
        (index % 2 === 0 ? broker : replica).call('POST /api/v1/platform/bootstrap', {
          as: null,
          headers,
          body: { ...body, email: `admin${index}@example.com` },
        }),
      ),
    ),
  );
  await eventually(
    2_000,
    () => lockWaiters(broker.db),
    (count) => count >= 2,
  );
  await holder.release();
  const answers = await answering;
  const won = answers.filter(({ status }) => status === 201);
  expect(won).toHaveLength(1);
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    expect(['ALREADY_BOOTSTRAPPED', 'TOO_MANY_ATTEMPTS']).toContain(answer.body.error.code);
  }
  expect(won[0]?.body.role_ids).toEqual(['role_platform_admin']);
  await logIn(broker, won[0]?.body.email);
  const users = await broker.db.selectFrom('platform_users').select('id').execute();
  expect(users).toHaveLength(1);
  await replica.close();
});

/**
 * Reading goes on; whoever wants to insert a user waits, so that several are past the first look at
 * once.
 */
async function holdInserts() {
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const ended = broker.db.transaction().execute(async (tx) => {
    await sql`LOCK TABLE platform_users IN EXCLUSIVE MODE`.execute(tx);
    held.resolve();
    await released.promise;
  });
  await held.promise;
  const release = () => {
    released.resolve();
    return ended;
  };
  return { release };
}

test('afterwards it is over, also for another tenant', async () => {
  const other = await tenantKey(broker, 'org_other');
  expectError(await bootstrap(other.headers), 409, 'ALREADY_BOOTSTRAPPED');
});
