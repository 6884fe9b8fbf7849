import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newAuditEvent, systemOrigin } from '../../../src/domain/audit-event.ts';
import { insertAuditEvents } from '../../support/finish-change.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

const event = newAuditEvent(
  { now: new Date('2030-01-01T00:00:00.123Z'), randomBytes },
  { ...systemOrigin, clientAddress: '203.0.113.7' },
  {
    eventType: 'key.minted',
    organizationId: 'org_1',
    targetId: 'flk_1',
    details: { user_id: 'user_1' },
  },
);
const rows = () => db.selectFrom('audit_events').selectAll().execute();

beforeAll(() => db.transaction().execute((tx) => insertAuditEvents(tx, [event])));

test('an event is kept as it was written', async () => {
  expect(await rows()).toEqual([
    {
      id: event.id,
      event_type: 'key.minted',
      actor_kind: 'system',
      actor_id: 'flowplate',
      organization_id: 'org_1',
      target_id: 'flk_1',
      request_id: null,
      on_behalf_of: null,
      result: 'success',
      details: { user_id: 'user_1' },
      created_at: event.createdAt,
      client_address: '203.0.113.7',
    },
  ]);
});

test.each([
  ['an update', sql`UPDATE audit_events SET details = '{}'`],
  ['an update of no row', sql`UPDATE audit_events SET details = '{}' WHERE false`],
  ['another address', sql`UPDATE audit_events SET client_address = '203.0.113.9'`],
  [
    'an address with something else',
    sql`UPDATE audit_events SET client_address = NULL, details = '{}' WHERE false`,
  ],
  ['a deletion', sql`DELETE FROM audit_events`],
  ['a deletion of no row', sql`DELETE FROM audit_events WHERE false`],
  ['emptying the table', sql`TRUNCATE audit_events`],
  ['emptying it along with others', sql`TRUNCATE audit_events, usage_totals CASCADE`],
  [
    'an insert that would write over an event',
    sql`INSERT INTO audit_events SELECT * FROM audit_events ON CONFLICT (id) DO UPDATE SET actor_id = 'x'`,
  ],
  ['a merge', sql`MERGE INTO audit_events USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE`],
])('%s is refused, also to the owner of the table, and changes nothing', async (_what, statement) => {
  const before = await rows();
  await expect(statement.execute(db)).rejects.toMatchObject({ code: '23001' });
  expect(await rows()).toEqual(before);
});

test('a refused change takes the whole transaction with it', async () => {
  const work = db.transaction().execute(async (tx) => {
    await sql`INSERT INTO usage_totals (lineage_id) VALUES ('flk_1')`.execute(tx);
    await sql`DELETE FROM audit_events`.execute(tx);
  });
  await expect(work).rejects.toMatchObject({ code: '23001' });
  expect(await db.selectFrom('usage_totals').selectAll().execute()).toEqual([]);
});

test('nothing to write is no statement', async () => {
  await db.transaction().execute((tx) => insertAuditEvents(tx, []));
  expect(await rows()).toHaveLength(1);
});

test('the client address of an event can be emptied, and nothing else', async () => {
  await sql`UPDATE audit_events SET client_address = NULL`.execute(db);
  expect(await rows()).toMatchObject([
    { id: event.id, details: { user_id: 'user_1' }, client_address: null },
  ]);
});
