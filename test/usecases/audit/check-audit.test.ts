import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { AuditFault } from '../../../src/usecases/audit/audit-chain.ts';
import { checkAudit } from '../../../src/usecases/audit/check-audit.ts';
import { seal, tamper, writeEvents } from '../../support/audit-chain.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { testKeyring } from '../../support/use-case-parts.ts';

const stores = await openStores();
const { db, databaseUrl } = stores;
afterAll(() => stores.close());

const reported: AuditFault[] = [];
const parts = {
  db,
  randomBytes,
  keyring: testKeyring,
  onAuditFault: (fault: AuditFault) => void reported.push(fault),
};

/** Three rounds of sealing, of which each ends with a head. */
beforeEach(async () => {
  await tamper(databaseUrl, 'TRUNCATE audit_events, audit_seals, audit_heads, audit_unsealed');
  for (let round = 0; round < 3; round++) {
    await writeEvents(db, 4);
    await seal(db, testKeyring);
  }
  await query(databaseUrl, 'TRUNCATE audit_faults');
  reported.length = 0;
});

/** Runs until the check is back at the beginning, as an hour after the last one. */
async function pass(): Promise<void> {
  await query(databaseUrl, `UPDATE audit_check SET after_seq = 0, began_at = now() - interval '61 minutes'`);
  for (let run = 0; run < 20; run++) {
    await checkAudit(parts);
    const [place] = await query(databaseUrl, 'SELECT after_seq::int FROM audit_check');
    if (place?.after_seq === 0) return;
  }
  expect.unreachable('a pass comes to its end');
}

async function faults() {
  const rows = await query(
    databaseUrl,
    `SELECT details->>'kind' AS kind, (details->>'seq')::int AS seq FROM audit_events
     WHERE event_type = 'audit.fault' ORDER BY id`,
  );
  return rows.map(({ kind, seq }) => [kind, seq]);
}

test('a log without faults is checked to its end, at most once an hour', async () => {
  await pass();
  expect(await faults()).toEqual([]);
  expect(await checkAudit(parts)).toBe(0);
});

test('each fault is written once, also when several are found, again and by two workers', async () => {
  const changed = (seq: number) =>
    `UPDATE audit_events SET actor_id = 'another' WHERE id = (SELECT event_id FROM audit_seals WHERE seq = ${seq})`;
  await tamper(databaseUrl, changed(3), changed(7), 'DELETE FROM audit_seals WHERE seq = 10');
  await pass();
  const found = [
    ['changed', 3],
    ['changed', 7],
    ['seal_missing', 10],
  ];
  expect(await faults()).toEqual(found);
  expect(reported.map(({ kind, seq }) => [kind, seq])).toEqual(found);
  await Promise.all([pass(), pass()]);
  expect(await faults()).toEqual(found);
});

test('an event beside the chain is a fault', async () => {
  await tamper(
    databaseUrl,
    `INSERT INTO audit_events (id, event_type, actor_kind, actor_id, organization_id, target_id, request_id,
       on_behalf_of, result, details, created_at) SELECT 'evt_000000000stray00000000', event_type, actor_kind, actor_id, organization_id,
       target_id, request_id, on_behalf_of, result, details, created_at FROM audit_events LIMIT 1`,
  );
  await pass();
  await pass();
  expect(await faults()).toEqual([['stray', null]]);
});
