import { afterAll, beforeAll, expect, test } from 'vitest';
import { toCursor } from '../../src/http/cursor.ts';
import { callAs, firstApiAdmin } from '../support/api-users.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { getKey, keysPath, mint, verify } from '../support/keys.ts';
import { organization } from '../support/platform-callers.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const narrow = async () =>
  (await broker.createMasterKey({ organizationIds: ['org_mine'], environments: ['test'] })).secret;

test('a cursor that names a key of another organization leads to no key of another organization', async () => {
  const as = await narrow();
  const own = await mint(broker, { organization_id: 'org_mine' }, { as });
  const foreign = await mint(broker);
  const after = async (id: string) => {
    const { body } = await broker.call(`GET ${keysPath}?cursor=${toCursor(id)}`, { as });
    return body.data.map(({ key_id }: { key_id: string }) => key_id);
  };
  expect(await after(foreign.key_id)).toEqual([own.key_id]);
  expect(await after(own.key_id)).toEqual([]);
  expect(await after(`flk_${'z'.repeat(22)}`)).toEqual([own.key_id]);
});

test('a gateway of another organization spends nothing of a key and leaves no trace in its usage', async () => {
  const as = await narrow();
  const owned = await mint(broker, { rate_limit: { limit: 2, window_seconds: 60 } });
  for (let call = 0; call < 5; call++) {
    expect(await verify(broker, owned.key, {}, { as })).toEqual({ valid: false, code: 'NOT_FOUND' });
  }
  expect((await verify(broker, owned.key)).rate_limit.remaining).toBe(1);
  await broker.settleUsage();
  const { usage } = (await getKey(broker, owned.key_id)).body;
  expect(usage).toMatchObject({ total_requests: 1, refused_requests: 0 });
});

test('an API user cannot impersonate: the header is ignored', async () => {
  const admin = await firstApiAdmin(broker);
  await organization(broker, 'org_entered');
  const headers = { 'x-flowplate-org': 'org_entered' };
  const { body } = await callAs(broker, admin)('GET /users', { headers });
  expect(body).toEqual((await callAs(broker, admin)('GET /users')).body);
  const events = await broker.db
    .selectFrom('audit_events')
    .select('event_type')
    .where('organization_id', '=', 'org_entered')
    .execute();
  expect(events).toEqual([]);
});
