import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chainStart, sealHash } from '../../../src/domain/audit-seal.ts';
import { newPepper } from '../../../src/domain/key-digest.ts';
import { findSeal, listSealedEvents } from '../../../src/stores/postgres/audit/seals.ts';
import { seal, tamper, verify, writeEvents } from '../../support/audit-chain.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { testKeyring } from '../../support/use-case-parts.ts';

const stores = await openStores();
const { db, databaseUrl } = stores;
afterAll(() => stores.close());

let columns: string[];
beforeAll(async () => {
  const rows = await query(
    databaseUrl,
    `SELECT column_name FROM information_schema.columns WHERE table_name = 'audit_events'`,
  );
  columns = rows.map(({ column_name }) => column_name as string).filter((name) => name !== 'client_address');
});

const emptied = () => tamper(databaseUrl, 'TRUNCATE audit_events, audit_seals, audit_heads, audit_unsealed');

/** Three rounds of sealing of four events each, and two events that wait. */
beforeEach(async () => {
  await emptied();
  for (let round = 0; round < 3; round++) {
    await writeEvents(db, 4);
    await seal(db, testKeyring);
  }
  await writeEvents(db, 2);
});

const idAt = async (seq: number) =>
  (await query(databaseUrl, 'SELECT event_id FROM audit_seals WHERE seq = $1', [seq]))[0]?.event_id as string;
const firstFault = async (request = {}) => (await verify(db, testKeyring, request)).firstFault;

test('an untouched log is valid, and says how far it is sealed and what waits', async () => {
  const found = await verify(db, testKeyring);
  expect(found).toMatchObject({
    sealedThrough: 12,
    verifiedThrough: 12,
    events: 12,
    unsealed: 2,
    firstFault: null,
    head: { seq: 12, pepperId: 'p1' },
  });
});

test('an empty log is valid', async () => {
  await emptied();
  expect(await verify(db, testKeyring)).toMatchObject({
    sealedThrough: 0,
    events: 0,
    firstFault: null,
    head: null,
  });
});

test('a client address is beside the chain, so that a person can be erased from it', async () => {
  await emptied();
  await writeEvents(db, 2, { clientAddress: '203.0.113.7' });
  await seal(db, testKeyring);
  await query(databaseUrl, 'UPDATE audit_events SET client_address = NULL');
  expect(await firstFault()).toBeNull();
});

describe('a changed event', () => {
  test('is found, whichever column it was', async () => {
    const id = await idAt(6);
    for (const column of columns) {
      const [row] = await query(
        databaseUrl,
        `SELECT ${column}::text AS was FROM audit_events WHERE id = $1`,
        [id],
      );
      const was = row?.was === null ? 'NULL' : `'${row?.was}'`;
      const changed = {
        id: `'evt_other'`,
        details: `'{"n": 2}'`,
        created_at: `'infinity'`,
        result: `'refused'`,
      };
      const value = changed[column as keyof typeof changed] ?? `'other'`;
      await tamper(databaseUrl, `UPDATE audit_events SET ${column} = ${value} WHERE id = '${id}'`);
      expect(await firstFault(), column).toEqual({
        seq: 6,
        eventId: id,
        kind: column === 'id' ? 'event_missing' : 'changed',
      });
      const now = column === 'id' ? 'evt_other' : id;
      await tamper(databaseUrl, `UPDATE audit_events SET ${column} = ${was} WHERE id = '${now}'`);
      expect(await firstFault(), column).toBeNull();
    }
  });

  test('is found down to a digit that a JSON number would lose', async () => {
    const id = await idAt(6);
    const write = (n: string) => `UPDATE audit_events SET details = '{"n": ${n}}' WHERE id = '${id}'`;
    await emptied();
    await writeEvents(db, 1);
    await tamper(databaseUrl, `UPDATE audit_events SET details = '{"n": 90071992547409931}'`);
    await seal(db, testKeyring);
    expect(await firstFault()).toBeNull();
    await tamper(databaseUrl, write('90071992547409932').replace(/ WHERE.*/, ''));
    expect(await firstFault()).toMatchObject({ seq: 1, kind: 'changed' });
  });

  test('is found also when every later hash was recomputed, because the heads cannot be signed without the pepper', async () => {
    await tamper(databaseUrl, `UPDATE audit_events SET actor_id = 'nobody' WHERE id = '${await idAt(6)}'`);
    const forged = await forgedHashes(6);
    for (const table of ['audit_seals', 'audit_heads']) {
      await tamper(
        databaseUrl,
        ...forged.map(({ seq, hash }) => `UPDATE ${table} SET hash = '\\x${hash}' WHERE seq = ${seq}`),
      );
    }
    expect(await firstFault()).toMatchObject({ seq: 8, kind: 'head_invalid' });
    await expect(seal(db, testKeyring)).rejects.toThrow('not signed by us');
    await tamper(databaseUrl, 'DELETE FROM audit_heads WHERE seq < 12');
    expect(await firstFault()).toMatchObject({ seq: 12, kind: 'head_invalid' });
  });
});

/** Hashes from `seq` on, recomputed from the current events. */
async function forgedHashes(seq: number): Promise<{ seq: number; hash: string }[]> {
  let previous = (await findSeal(db, seq - 1))?.hash ?? chainStart.hash;
  const rest = await listSealedEvents(db, { after: seq - 1, through: 12, limit: 100 });
  return rest.map(({ seal: { seq: at }, event }) => {
    if (event === undefined) throw new Error('An event is missing');
    previous = sealHash(previous, at, event);
    return { seq: at, hash: previous.toString('hex') };
  });
}

describe('a removed event', () => {
  test('is found', async () => {
    const id = await idAt(6);
    await tamper(databaseUrl, `DELETE FROM audit_events WHERE id = '${id}'`);
    expect(await firstFault()).toEqual({ seq: 6, eventId: id, kind: 'event_missing' });
  });

  test('is found when its seal went with it', async () => {
    const id = await idAt(6);
    await tamper(
      databaseUrl,
      `DELETE FROM audit_events WHERE id = '${id}'`,
      'DELETE FROM audit_seals WHERE seq = 6',
    );
    expect(await firstFault()).toEqual({ seq: 6, eventId: null, kind: 'seal_missing' });
  });

  test('is found when the later seals moved up into its place', async () => {
    await tamper(
      databaseUrl,
      `DELETE FROM audit_events WHERE id = '${await idAt(6)}'`,
      'DELETE FROM audit_seals WHERE seq = 6',
      'UPDATE audit_seals SET seq = -seq WHERE seq > 6',
      'UPDATE audit_seals SET seq = -seq - 1 WHERE seq < 0',
    );
    expect(await firstFault()).toMatchObject({ seq: 6, kind: 'changed' });
  });

  test('is found while it still waits for its seal', async () => {
    const [waiting] = await query(databaseUrl, 'SELECT max(event_id) AS id FROM audit_unsealed');
    await tamper(databaseUrl, `DELETE FROM audit_events WHERE id = '${waiting?.id}'`);
    expect(await firstFault()).toEqual({ seq: null, eventId: waiting?.id, kind: 'event_missing' });
    expect((await seal(db, testKeyring)).sealed).toBe(1);
    expect(await firstFault()).toMatchObject({ kind: 'event_missing' });
  });
});

test('two events that changed places are found', async () => {
  const [third, ninth] = [await idAt(3), await idAt(9)];
  await tamper(
    databaseUrl,
    `UPDATE audit_seals SET event_id = 'swap' WHERE seq = 3`,
    `UPDATE audit_seals SET event_id = '${third}' WHERE seq = 9`,
    `UPDATE audit_seals SET event_id = '${ninth}' WHERE seq = 3`,
  );
  expect(await firstFault()).toEqual({ seq: 3, eventId: ninth, kind: 'changed' });
});

describe('an event that was slipped in', () => {
  const forged = `INSERT INTO audit_events SELECT 'evt_0forged', event_type, actor_kind, actor_id, organization_id, target_id,
    request_id, details, created_at, result, on_behalf_of FROM audit_events LIMIT 1`;

  test('past the queue is found', async () => {
    await tamper(databaseUrl, forged);
    expect(await firstFault()).toEqual({ seq: null, eventId: 'evt_0forged', kind: 'stray' });
  });

  test('into the chain is found', async () => {
    await tamper(
      databaseUrl,
      forged,
      'UPDATE audit_seals SET seq = -seq WHERE seq >= 6',
      'UPDATE audit_seals SET seq = -seq + 1 WHERE seq < 0',
      `INSERT INTO audit_seals VALUES (6, 'evt_0forged', sha256('guess'))`,
    );
    expect(await firstFault()).toEqual({ seq: 6, eventId: 'evt_0forged', kind: 'changed' });
  });

  test('behind the newest head is found, and never signed', async () => {
    await tamper(databaseUrl, forged, `INSERT INTO audit_seals VALUES (13, 'evt_0forged', sha256('guess'))`);
    expect(await firstFault()).toEqual({ seq: 13, eventId: null, kind: 'unsigned' });
    await expect(seal(db, testKeyring)).rejects.toThrow('not signed by us');
  });
});

describe('a log that was cut off', () => {
  const cutEvents = 'DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_seals WHERE seq > 8)';
  const cutSeals = 'DELETE FROM audit_seals WHERE seq > 8';
  const cutHeads = 'DELETE FROM audit_heads WHERE seq > 8';
  const cutQueue = 'DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_unsealed)';

  test('is found when the heads still say how far it went, and is not sealed on', async () => {
    await tamper(databaseUrl, cutEvents, cutSeals);
    expect(await firstFault()).toEqual({ seq: 9, eventId: null, kind: 'truncated' });
    await expect(seal(db, testKeyring)).rejects.toThrow('not signed by us');
  });

  test('together with its heads looks whole, but not against a head that was kept elsewhere', async () => {
    const anchor = (await verify(db, testKeyring)).head ?? undefined;
    await tamper(databaseUrl, cutQueue, 'TRUNCATE audit_unsealed', cutEvents, cutSeals, cutHeads);
    expect(await firstFault()).toBeNull();
    expect(await firstFault({ anchor })).toEqual({ seq: 9, eventId: null, kind: 'truncated' });
    expect(await firstFault({ fromSeq: 13 })).toEqual({ seq: 9, eventId: null, kind: 'truncated' });

    await writeEvents(db, 6);
    await seal(db, testKeyring);
    expect(await firstFault()).toBeNull();
    expect(await firstFault({ anchor })).toMatchObject({ seq: 12, kind: 'anchor_mismatch' });
  });
});

test('a signature without the pepper is found', async () => {
  const forger = [newPepper('p1', randomBytes(32))] as const;
  expect(await verify(db, forger)).toMatchObject({ firstFault: { seq: 4, kind: 'head_invalid' } });
});

describe('with a new pepper', () => {
  const renewed = [newPepper('p2', randomBytes(32)), testKeyring[0]] as const;
  const withoutOld = [renewed[0]] as const;

  test('the log is proved by the newest head, which is signed anew even when nothing happens', async () => {
    await seal(db, testKeyring);
    expect((await verify(db, withoutOld)).firstFault).toEqual({
      seq: 14,
      eventId: null,
      kind: 'head_unknown_pepper',
    });
    const { sealed, heads } = await seal(db, renewed);
    expect([sealed, heads.map(({ pepperId, seq }) => [pepperId, seq])]).toEqual([0, [['p2', 14]]]);
    expect((await verify(db, renewed)).firstFault).toBeNull();
    expect((await verify(db, withoutOld)).firstFault).toBeNull();
    expect((await seal(db, renewed)).heads).toEqual([]);
    await writeEvents(db, 1);
    expect((await seal(db, withoutOld)).sealed).toBe(1);
  });

  test('one that replaced the old one too early stops the sealing and signs nothing', async () => {
    await expect(seal(db, withoutOld)).rejects.toThrow('not signed by us');
    expect((await verify(db, testKeyring)).sealedThrough).toBe(12);
  });
});

describe('in parts', () => {
  test('each goes to a head, and together they find what one walk finds', async () => {
    const first = await verify(db, testKeyring, { limit: 3 });
    expect(first).toMatchObject({ verifiedThrough: 4, events: 4, sealedThrough: 12, firstFault: null });
    const second = await verify(db, testKeyring, { fromSeq: 5, limit: 5 });
    expect(second).toMatchObject({ verifiedThrough: 12, events: 8, firstFault: null });

    const id = await idAt(6);
    await tamper(databaseUrl, `UPDATE audit_events SET details = '{}' WHERE id = '${id}'`);
    expect(await firstFault({ limit: 3 })).toBeNull();
    expect(await firstFault({ fromSeq: 5, limit: 3 })).toMatchObject({ seq: 6, kind: 'changed' });
    expect(await firstFault({ fromSeq: 9 })).toBeNull();
  });

  test('a stray is found by one of them, wherever it is', async () => {
    for (const seq of [1, 4, 5, 8, 9, 12]) {
      const stray = `${(await idAt(seq)).slice(0, -1)}!`;
      await tamper(
        databaseUrl,
        `INSERT INTO audit_events SELECT '${stray}', event_type, actor_kind, actor_id, organization_id, target_id,
          request_id, details, created_at, result, on_behalf_of FROM audit_events LIMIT 1`,
      );
      const faults = [];
      for (const fromSeq of [1, 5, 9]) faults.push(await firstFault({ fromSeq, limit: 4 }));
      expect(faults.filter((fault) => fault?.eventId === stray)).toHaveLength(1);
      await tamper(databaseUrl, `DELETE FROM audit_events WHERE id = '${stray}'`);
    }
  });
});

test('what is sealed while it is verified is left for the next time, and is no fault', async () => {
  const [found] = await Promise.all([verify(db, testKeyring), seal(db, testKeyring), writeEvents(db, 3)]);
  expect(found.firstFault).toBeNull();
  expect([12, 14]).toContain(found.sealedThrough);
});

test('no further page is read after the client has disconnected', async () => {
  const found = await verify(db, testKeyring, {}, AbortSignal.abort());
  expect(found).toMatchObject({ events: 0, verifiedThrough: 0 });
});
