import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { revisionMemoryMs } from '../../../src/revocation/remembered-revisions.ts';
import { upsertVerifier } from '../../../src/stores/postgres/verifiers/verifiers.ts';
import { pruneChanges } from '../../../src/usecases/upkeep/prune-changes.ts';
import { eventually } from '../../support/eventually.ts';
import { append, newLease, recordedFeed, revisionOf } from '../../support/feed.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

async function appendedAgo(id: string, minutes: number): Promise<number> {
  const seq = await append(db, revisionOf(id, 2));
  await sql`UPDATE key_changes SET committed_at = now() - make_interval(mins => ${minutes}) WHERE seq = ${seq}`.execute(
    db,
  );
  return seq;
}

const changes = async () =>
  (await db.selectFrom('key_changes').select('subject_id').execute()).map((row) => row.subject_id);
const verifiers = async () => (await db.selectFrom('verifiers').select('id').execute()).map((row) => row.id);

test('old changes and long-silent verifiers are dropped, and changes that a verifier may need are kept', async () => {
  await appendedAgo('flk_old', 61);
  await appendedAgo('flk_recent', 59);
  await upsertVerifier(db, { id: 'live', appliedSeq: 0, leaseMs: 15_000, isLive: true });
  await upsertVerifier(db, { id: 'silent for a while', appliedSeq: 0, leaseMs: -19 * 60_000, isLive: true });
  await upsertVerifier(db, { id: 'silent for long', appliedSeq: 0, leaseMs: -21 * 60_000, isLive: true });
  await sql`UPDATE event_watches SET told_until = now() - interval '20 minutes'`.execute(db);
  expect(await pruneChanges({ db })).toBe(1);
  expect(await changes()).toEqual(['flk_recent']);
  expect((await verifiers()).sort()).toEqual(['live', 'silent for a while']);
  expect(await pruneChanges({ db })).toBe(0);
});

test('a silent verifier stays until its silence is told, for a week at most', async () => {
  const minutes = { told: 40, untold: 30, forgotten: 8 * 24 * 60 };
  for (const [id, silent] of Object.entries(minutes)) {
    await upsertVerifier(db, { id, appliedSeq: 0, leaseMs: -silent * 60_000, isLive: true });
  }
  await sql`UPDATE event_watches SET told_until = now() - interval '35 minutes'`.execute(db);
  await pruneChanges({ db });
  const left = await verifiers();
  expect(Object.keys(minutes).filter((id) => left.includes(id))).toEqual(['untold']);
});

test('changes stay at least as long as a starting verifier wants to load them', async () => {
  await appendedAgo('flk_needed', revisionMemoryMs / 60_000 - 1);
  await pruneChanges({ db });
  expect(await changes()).toContain('flk_needed');
});

test('a verifier that comes back after it was forgotten starts anew and is heard of again', async () => {
  const feed = recordedFeed();
  const { lease } = newLease(db, feed.sink, { verifierId: 'came back' });
  await lease.start();
  await db.deleteFrom('verifiers').where('id', '=', 'came back').execute();
  await db.deleteFrom('key_changes').execute();
  await eventually(
    5_000,
    () => feed.resets.length,
    (count) => count === 2,
  );
  await append(db, revisionOf('flk_after', 2));
  await eventually(5_000, () => feed.heardOf('flk_after'), Boolean);
  await lease.stop();
});
