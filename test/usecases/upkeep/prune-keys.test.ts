import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { foldKeyCounts } from '../../../src/usecases/upkeep/fold-key-counts.ts';
import { pruneKeys } from '../../../src/usecases/upkeep/prune-keys.ts';
import { refreshKey } from '../../../src/usecases/user-keys/refresh-key.ts';
import { revokeKey } from '../../../src/usecases/user-keys/revoke-key.ts';
import { admitTestCallers } from '../../support/callers.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { callerWith, mintedKey, useCaseParts, WalkedClock } from '../../support/use-case-parts.ts';

const dayMs = 86_400_000;
const stores = await openStores();
const { db, databaseUrl } = stores;
/** A hundred days ago. */
const clock = new WalkedClock(new Date(Date.now() - 100 * dayMs));
const parts = useCaseParts(stores, clock);
beforeAll(() => admitTestCallers(db));
afterAll(() => stores.close());

const prune = (endedKeysDays: number) => pruneKeys({ db, randomBytes, retention: { endedKeysDays } });

const revoke = (keyId: string) => revokeKey(parts, callerWith(), keyId, 'unspecified');

async function isThere(id: string): Promise<boolean> {
  return (await query(databaseUrl, 'SELECT 1 FROM api_keys WHERE id = $1', [id])).length === 1;
}

async function use(lineageId: string): Promise<void> {
  await query(databaseUrl, 'INSERT INTO usage_totals (lineage_id, accepted) VALUES ($1, 1)', [lineageId]);
}

const usesOf = async (lineageId: string) =>
  (await query(databaseUrl, 'SELECT 1 FROM usage_totals WHERE lineage_id = $1', [lineageId])).length;

test('a key that ended long ago goes with its usage, and one event tells how many went', async () => {
  const ended = await mintedKey(parts);
  const living = await mintedKey(parts);
  await use(ended.keyId);
  await use(living.keyId);
  await revoke(ended.keyId);
  expect(await prune(0)).toBe(0);
  expect(await prune(101)).toBe(0);
  expect(await prune(99)).toBe(1);
  expect(await prune(99)).toBe(0);
  expect([await isThere(ended.keyId), await isThere(living.keyId)]).toEqual([false, true]);
  expect([await usesOf(ended.keyId), await usesOf(living.keyId)]).toEqual([0, 1]);
  const events = await query(
    databaseUrl,
    "SELECT details FROM audit_events WHERE event_type = 'keys.pruned'",
  );
  expect(events.map(({ details }) => details)).toMatchObject([{ count: 1, status: 'revoked' }]);
  const kept = await query(databaseUrl, 'SELECT event_type FROM audit_events WHERE target_id = $1', [
    ended.keyId,
  ]);
  expect(kept.map(({ event_type }) => event_type).sort()).toEqual(['key.minted', 'key.revoked']);
});

test('the first key of a line stays with its usage until its successors are gone', async () => {
  const first = await mintedKey(parts);
  const refresh = { ...first.request, gracePeriodSeconds: 0 };
  const { minted: second } = await refreshKey(parts, callerWith(), refresh);
  const { minted: third } = await refreshKey(parts, callerWith(), refresh);
  await use(first.keyId);
  await prune(99);
  expect(await Promise.all([first.keyId, second.keyId, third.keyId].map(isThere))).toEqual([
    true,
    false,
    true,
  ]);
  await revoke(third.keyId);
  await prune(99);
  expect(await Promise.all([first.keyId, third.keyId].map(isThere))).toEqual([true, false]);
  await prune(99);
  expect([await isThere(first.keyId), await usesOf(first.keyId)]).toEqual([false, 0]);
});

test('a key that has expired goes by the time of its expiry, and the counts of its master key follow', async () => {
  const expiresAt = new Date(clock.nowMs() + 30 * dayMs);
  const key = await mintedKey(parts, { expiresAt });
  await query(databaseUrl, "UPDATE api_keys SET status = 'expired' WHERE id = $1", [key.keyId]);
  const totals = async () => {
    await foldKeyCounts({ db });
    return (await query(databaseUrl, 'SELECT living::integer, total::integer FROM minted_key_totals'))[0];
  };
  const before = await totals();
  expect(await prune(99)).toBe(0);
  expect(await prune(69)).toBe(1);
  expect(await totals()).toEqual({ living: before?.living, total: before?.total - 1 });
});
