import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isEnvironmentInUse } from '../../../src/stores/postgres/organizations/environments.ts';
import { inOrganization } from '../../../src/stores/postgres/organizations/row-scope.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { mint } from '../../support/keys.ts';
import { organization } from '../../support/platform-callers.ts';

const [mine, theirs] = ['org_mine', 'org_theirs'];

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  for (const id of [mine, theirs]) await organization(broker, id);
  await mint(broker, { organization_id: theirs, environment: 'prod' });
});
afterAll(() => broker.close());

test('statements for a tenant see and delete only its own environments, also without a WHERE clause', async () => {
  const seen = await inOrganization(broker.db, mine, (tx) =>
    tx.selectFrom('environments').select(['organization_id', 'slug']).execute(),
  );
  expect(seen).toEqual([{ organization_id: mine, slug: 'default' }]);
  await inOrganization(broker.db, mine, (tx) => tx.deleteFrom('environments').execute());
  const left = broker.db.selectFrom('environments').select('slug').where('organization_id', '=', theirs);
  expect((await left.orderBy('slug').execute()).map(({ slug }) => slug)).toEqual(['default', 'prod']);
});

test("it can put no environment into another's organization, and change no name or status of any", async () => {
  const row = { id: 'env_foreign', organization_id: theirs, slug: 'mine', created_at: new Date() };
  const insert = inOrganization(broker.db, mine, (tx) => tx.insertInto('environments').values(row).execute());
  await expect(insert).rejects.toThrow(/row-level security/);
  for (const change of [{ name: 'x' }, { status: 'active' }]) {
    const update = inOrganization(broker.db, mine, (tx) =>
      tx.updateTable('organizations').set(change).execute(),
    );
    await expect(update).rejects.toThrow(/permission denied/);
  }
});

test('it learns whether keys it cannot see are in the way, of its own environments and of no others', async () => {
  const ask = (organizationId: string) =>
    inOrganization(broker.db, organizationId, (tx) => isEnvironmentInUse(tx, 'prod', new Date()));
  expect([await ask(theirs), await ask(mine)]).toEqual([true, false]);
  const hidden = await inOrganization(broker.db, theirs, (tx) =>
    tx.selectFrom('api_keys').select('id').execute(),
  );
  expect(hidden).toEqual([]);
});

test('only the service and its tenant role may call that function', async () => {
  const { rows } = await sql<{ public: boolean; tenant: boolean }>`
    SELECT has_function_privilege('public', 'is_environment_in_use(text, timestamptz)', 'EXECUTE') AS public,
      has_function_privilege('flowplate_tenant', 'is_environment_in_use(text, timestamptz)', 'EXECUTE') AS tenant`.execute(
    broker.db,
  );
  expect(rows).toEqual([{ public: false, tenant: true }]);
});
