import { sql } from 'kysely';
import { afterAll, describe, expect, test } from 'vitest';
import { inOrganization } from '../../../src/stores/postgres/organizations/row-scope.ts';
import { mintKey } from '../../../src/usecases/user-keys/mint-key.ts';
import { auditEvent, seal, sealedIds, verify, writeEvents } from '../../support/audit-chain.ts';
import { admitTestCallers } from '../../support/callers.ts';
import { insertAuditEvents } from '../../support/finish-change.ts';
import { query, withConnection } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { callerWith, mintRequest, testKeyring, useCaseParts } from '../../support/use-case-parts.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
const { db, databaseUrl } = stores;
afterAll(() => stores.close());

const waiting = async () =>
  (await query(databaseUrl, 'SELECT event_id FROM audit_unsealed ORDER BY 1')).map((row) => row.event_id);
const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id);
const allIds = async () =>
  (await query(databaseUrl, 'SELECT id FROM audit_events ORDER BY 1')).map((row) => row.id as string);

/**
 * Invariants after any fault: each event once in the chain, none in the queue, and the chain is
 * valid.
 */
async function expectWhole(): Promise<void> {
  expect((await sealedIds(databaseUrl)).sort()).toEqual(await allIds());
  expect(await waiting()).toEqual([]);
  expect((await verify(db, testKeyring)).firstFault).toBeNull();
}

test('events are sealed in the order of their ids, and an empty queue adds nothing', async () => {
  const events = await writeEvents(db, 5);
  expect(await waiting()).toEqual(idsOf(events));
  const { sealed, heads } = await seal(db, testKeyring);
  expect([sealed, heads.map(({ seq }) => seq)]).toEqual([5, [5]]);
  expect(await sealedIds(databaseUrl)).toEqual(idsOf(events));
  expect(await seal(db, testKeyring)).toEqual({ sealed: 0, heads: [] });
  await expectWhole();
});

test('more than one round holds is sealed in one run, each round under a head of its own', async () => {
  await writeEvents(db, 2_100);
  const { sealed, heads } = await seal(db, testKeyring);
  expect([sealed, heads.length]).toEqual([2_100, 3]);
  await expectWhole();
});

test('an event that commits after later ones were sealed is sealed then, once', async () => {
  const late = auditEvent({}, new Date(Date.now() - 60_000));
  await withConnection(databaseUrl, async (client) => {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO audit_events (id, event_type, actor_kind, actor_id, target_id, details, created_at)
       VALUES ($1, 'key.revoked', 'system', 'flowplate', 'flk_1', '{}', now())`,
      [late.id],
    );
    await writeEvents(db, 3);
    expect((await seal(db, testKeyring)).sealed).toBe(3);
    expect(await sealedIds(databaseUrl)).not.toContain(late.id);
    await client.query('COMMIT');
  });
  expect((await seal(db, testKeyring)).sealed).toBe(1);
  expect((await sealedIds(databaseUrl)).at(-1)).toBe(late.id);
  await expectWhole();
});

test('an event whose change is rolled back is not there to be sealed', async () => {
  const work = db.transaction().execute(async (tx) => {
    await insertAuditEvents(tx, [auditEvent()]);
    throw new Error('no');
  });
  await expect(work).rejects.toThrow('no');
  expect(await waiting()).toEqual([]);
});

test('mints, and events of a tenant, are queued for sealing like all others', async () => {
  const parts = useCaseParts(stores);
  await Promise.all(Array.from({ length: 20 }, () => mintKey(parts, callerWith(), mintRequest())));
  await inOrganization(db, 'org_1', (tx) => insertAuditEvents(tx, [auditEvent()]));
  expect(await waiting()).toHaveLength((await allIds()).length - (await sealedIds(databaseUrl)).length);
  await seal(db, testKeyring);
  await expectWhole();
});

test('of several sealers at once, while events keep coming, none seals an event twice or leaves a gap', async () => {
  const writers = Array.from({ length: 10 }, async () => {
    for (let round = 0; round < 10; round++) await writeEvents(db, 7);
  });
  const sealers = Array.from({ length: 6 }, async () => {
    for (let round = 0; round < 15; round++) await seal(db, testKeyring);
  });
  await Promise.all([...writers, ...sealers]);
  await seal(db, testKeyring);
  await expectWhole();
});

test('a sealer that dies half-way has done nothing, and the next one does it all', async () => {
  await writeEvents(db, 4);
  const before = await sealedIds(databaseUrl);
  const dies = stores.observed(async (text, run) => {
    if (!text.startsWith('insert into "audit_heads"')) return run();
    throw new Error('killed');
  });
  await expect(seal(dies, testKeyring)).rejects.toThrow('killed');
  expect(await sealedIds(databaseUrl)).toEqual(before);
  expect(await waiting()).toHaveLength(4);
  expect((await seal(db, testKeyring)).sealed).toBe(4);
  await expectWhole();
});

describe('what is sealed stays', () => {
  test.each([
    ['a changed seal', sql`UPDATE audit_seals SET hash = ''`],
    ['a removed seal', sql`DELETE FROM audit_seals`],
    ['no seals any more', sql`TRUNCATE audit_seals`],
    ['a changed head', sql`UPDATE audit_heads SET signature = ''`],
    ['a removed head', sql`DELETE FROM audit_heads`],
    ['no heads any more', sql`TRUNCATE audit_heads`],
    ['a changed queue', sql`UPDATE audit_unsealed SET event_id = 'x'`],
    ['an emptied queue', sql`TRUNCATE audit_unsealed`],
    ['an event out of the queue without its seal', sql`DELETE FROM audit_unsealed`],
  ])('%s is refused, also to the owner of the table', async (_what, statement) => {
    await writeEvents(db, 1);
    await expect(statement.execute(db)).rejects.toMatchObject({ code: '23001' });
  });

  test('an event has one place in the chain', async () => {
    const again = sql`INSERT INTO audit_seals SELECT 1000000, event_id, hash FROM audit_seals LIMIT 1`;
    await expect(again.execute(db)).rejects.toMatchObject({ code: '23505' });
  });
});

test('the database role of a tenant sees neither the chain nor the queue', async () => {
  for (const table of ['audit_unsealed', 'audit_seals', 'audit_heads']) {
    const look = inOrganization(db, 'org_1', (tx) => sql`SELECT FROM ${sql.table(table)}`.execute(tx));
    await expect(look).rejects.toMatchObject({ code: '42501' });
  }
});
