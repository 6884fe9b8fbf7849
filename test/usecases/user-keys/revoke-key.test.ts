import { afterAll, beforeAll, expect, test } from 'vitest';
import { idPattern } from '../../../src/domain/ids.ts';
import { refreshKey } from '../../../src/usecases/user-keys/refresh-key.ts';
import { revokeKey } from '../../../src/usecases/user-keys/revoke-key.ts';
import { revokeKeysOf } from '../../../src/usecases/user-keys/revoke-keys.ts';
import { admitTestCallers } from '../../support/callers.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { callerWith, mintedKey, useCaseParts } from '../../support/use-case-parts.ts';

const stores = await openStores();
const parts = useCaseParts(stores);
const caller = callerWith();
beforeAll(() => admitTestCallers(stores.db));
afterAll(() => stores.close());

/** A user's active key with two predecessors in grace. */
async function line() {
  const { request } = await mintedKey(parts);
  const { userId, organizationId, environment } = request;
  const owner = { userId, organizationId, environment, gracePeriodSeconds: 60 };
  await refreshKey(parts, caller, owner);
  const { minted } = await refreshKey(parts, caller, owner);
  return { userId, keyId: minted.keyId };
}

const eventsOf = (userId: string) =>
  query(
    stores.databaseUrl,
    `SELECT * FROM audit_events WHERE event_type = 'key.revoked' AND details->>'user_id' = $1 ORDER BY target_id`,
    [userId],
  );

test('its audit events say what those of a revoke of all keys say', async () => {
  const [byId, all] = [await line(), await line()];
  await revokeKey(parts, caller, byId.keyId);
  await revokeKeysOf(parts, caller, { userId: all.userId });
  const [events, expected] = [await eventsOf(byId.userId), await eventsOf(all.userId)];
  expect(events).toHaveLength(3);
  const said = (event: Record<string, unknown> = {}) => {
    const { id, target_id, created_at, details, ...rest } = event;
    return { ...rest, details: Object.keys(details as object).sort() };
  };
  expect(events.map(said)).toEqual(expected.map(said));
  const ids = events.map(({ id }) => String(id));
  for (const id of ids) expect(id).toMatch(idPattern('auditEvent'));
  expect(new Set(ids).size).toBe(3);
  expect(new Set(ids.map((id) => id.slice(0, -13))).size).toBe(1);
});

test('a master key that ended during its request revokes nothing', async () => {
  const { keyId, userId } = await line();
  await query(stores.databaseUrl, 'UPDATE master_keys SET revoked_at = now() WHERE id = $1', [
    caller.principal.id,
  ]);
  await expect(revokeKey(parts, caller, keyId)).rejects.toMatchObject({ code: 'AUTHENTICATION_REQUIRED' });
  await query(stores.databaseUrl, 'UPDATE master_keys SET revoked_at = NULL WHERE id = $1', [
    caller.principal.id,
  ]);
  expect(await eventsOf(userId)).toEqual([]);
  const states = await query(stores.databaseUrl, 'SELECT status FROM api_keys WHERE id = $1', [keyId]);
  expect(states).toEqual([{ status: 'active' }]);
});

test('a key outside the allow-lists of the master key is not found, and stays', async () => {
  const { keyId } = await line();
  for (const limits of [{ organizationIds: ['org_other'] }, { environments: ['other'] }]) {
    const refused = revokeKey(parts, callerWith(limits), keyId);
    await expect(refused).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  }
  const states = await query(stores.databaseUrl, 'SELECT status FROM api_keys WHERE id = $1', [keyId]);
  expect(states).toEqual([{ status: 'active' }]);
});
