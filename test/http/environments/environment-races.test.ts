import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newAuditEvent } from '../../../src/domain/audit-event.ts';
import { insertMints } from '../../../src/stores/postgres/user-keys/minted-keys.ts';
import { issueSecret } from '../../../src/usecases/user-keys/issue-secret.ts';
import { keyEvent } from '../../../src/usecases/user-keys/key-events.ts';
import { startBroker, type TestBroker, testOrigin } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { mint, newOwner, refresh } from '../../support/keys.ts';
import { lockWaiters } from '../../support/lock-waiters.ts';
import { tenantKey } from '../../support/platform-callers.ts';
import { callerWith, mintRequest } from '../../support/use-case-parts.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

const path = '/api/v1/environments';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

async function environment() {
  const { organization_id: organizationId } = newOwner();
  const { headers } = await tenantKey(broker, organizationId);
  const create = () => broker.call(`POST ${path}`, { as: null, headers, body: { name: 'prod' } });
  const { id } = (await create()).body;
  return {
    organizationId,
    create,
    remove: (which: string = id) => broker.call(`DELETE ${path}/${which}`, { as: null, headers }),
    id: async () =>
      (await broker.call(`GET ${path}`, { as: null, headers })).body.data.find(
        ({ name }: { name: string }) => name === 'prod',
      )?.id,
  };
}

test('a delete waits for a mint that is under way, and then finds its key', async () => {
  const { organizationId, remove } = await environment();
  const { db, parts } = { db: broker.db, parts: broker.api.parts };
  const now = parts.clock.now();
  const request = mintRequest({ organizationId, environment: 'prod' });
  const { key, digest } = issueSecret(parts, callerWith().principal, request, now);
  const at = { now, randomBytes: parts.randomBytes };
  const event = newAuditEvent(at, testOrigin, keyEvent('key.minted', key));
  const removal = await db.transaction().execute(async (tx) => {
    const mint = { key, digest, event, policyVersion: null, kept: undefined };
    expect(await insertMints(tx, [mint])).toEqual([{ mintNumber: expect.any(Number) }]);
    const asked = { answer: remove() };
    await eventually(
      5_000,
      () => lockWaiters(broker.db),
      (waiting) => waiting === 1,
    );
    return asked;
  });
  expectError(await removal.answer, 409, 'ENVIRONMENT_IN_USE');
});

test('a mint waits for a delete that is under way, and then makes the environment anew', async () => {
  const { organizationId, id: idNow, create } = await environment();
  const id = await idNow();
  const minting = await broker.db.transaction().execute(async (tx) => {
    await tx.deleteFrom('environments').where('id', '=', id).execute();
    const asked = { answer: mint(broker, { organization_id: organizationId, environment: 'prod' }) };
    await eventually(
      5_000,
      () => lockWaiters(broker.db),
      (waiting) => waiting >= 1,
    );
    return asked;
  });
  await minting.answer;
  expectError(await create(), 409, 'ENVIRONMENT_ALREADY_EXISTS');
});

test('after any race of mints and deletes, no key is active in a deleted environment', async () => {
  const { organizationId, id, remove } = await environment();
  let isMinting = true;
  const deleting = (async () => {
    const statuses = new Set<number>();
    while (isMinting) {
      const current = await id();
      if (current !== undefined) statuses.add((await remove(current)).status);
      await sleep(1);
    }
    return statuses;
  })();
  for (let round = 0; round < 40; round++) {
    const minted = await mint(broker, { organization_id: organizationId, environment: 'prod' });
    expect(await homelessKeys(organizationId)).toEqual([]);
    await broker.call(`DELETE /v1/flowplate/api-keys/${minted.key_id}`);
  }
  isMinting = false;
  const statuses = await deleting;
  expect([...statuses].every((status) => [200, 404, 409].includes(status))).toBe(true);
  expect(statuses).toContain(200);
});

test('an expired key is not renewed into an environment that was deleted, nor while it is being deleted', async () => {
  const { organizationId, id, remove } = await environment();
  const owner = await mint(broker, { organization_id: organizationId, environment: 'prod', ttl_seconds: 60 });
  const renew = () => refresh(broker, owner, { environment: 'prod', ttl_seconds: 600 });
  walkClock(broker, 61 * secondMs);
  const environmentId = await id();
  const renewing = await broker.db.transaction().execute(async (tx) => {
    await tx.deleteFrom('environments').where('id', '=', environmentId).execute();
    const asked = { answer: renew() };
    await eventually(
      5_000,
      () => lockWaiters(broker.db),
      (waiting) => waiting >= 1,
    );
    return asked;
  });
  expectError(await renewing.answer, 404, 'KEY_NOT_FOUND');
  expectError(await renew(), 404, 'KEY_NOT_FOUND');
  expectError(await remove(environmentId), 404, 'ENVIRONMENT_NOT_FOUND');
});

async function homelessKeys(organizationId: string): Promise<unknown[]> {
  const { rows } = await sql`
    SELECT id FROM api_keys k WHERE organization_id = ${organizationId} AND status = 'active'
      AND NOT EXISTS (SELECT FROM environments e WHERE e.organization_id = k.organization_id AND e.slug = k.environment)`.execute(
    broker.db,
  );
  return rows;
}
