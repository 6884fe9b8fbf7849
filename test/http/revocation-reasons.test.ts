import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revocationReasons } from '../../src/domain/revocation-reason.ts';
import { expireDueKeys } from '../../src/usecases/user-keys/expire-due-keys.ts';
import { created } from '../support/api-keys.ts';
import { callAs, createApiUser, firstApiAdmin } from '../support/api-users.ts';
import { auditEventsOf } from '../support/audit-events.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import type { Answer, CallOptions } from '../support/call.ts';
import { expectViolations } from '../support/errors.ts';
import { getKey, keysPath, mint, newOwner, refreshed } from '../support/keys.ts';
import { platformKey } from '../support/platform-callers.ts';

let broker: TestBroker;
let root: Awaited<ReturnType<typeof platformKey>>;
let apiAdmin: Awaited<ReturnType<typeof firstApiAdmin>>;
beforeAll(async () => {
  broker = await startBroker();
  root = await platformKey(broker);
  apiAdmin = await firstApiAdmin(broker);
});
afterAll(() => broker.close());

/** `id`: the target of the audit event. `shown`: the reason that a look at it shows. */
type Ending = {
  operation: string;
  options: CallOptions;
  id: string;
  eventType: string;
  shown?: () => Promise<unknown>;
};

const operator = () => ({ as: null, headers: root.headers });
const shownOfKey = (id: string) => async () => (await getKey(broker, id)).body.revoked_reason;

async function ofUserKey(path: (key: Awaited<ReturnType<typeof mint>>) => string, options: CallOptions = {}) {
  const key = await mint(broker);
  const id = key.key_id;
  return { operation: `DELETE ${path(key)}`, options, id, eventType: 'key.revoked', shown: shownOfKey(id) };
}

async function ofApiKey(verb: 'revoke' | 'delete'): Promise<Ending> {
  const { id } = await created(broker, root.headers, { platform: true, role_ids: ['role_platform_viewer'] });
  const path = `/api/v1/apikeys/${id}`;
  const common = { options: operator(), id, eventType: `platform.key.${verb}d` };
  if (verb === 'delete') return { ...common, operation: `DELETE ${path}`, eventType: 'platform.key.deleted' };
  const shown = async () => (await broker.call(`GET ${path}`, operator())).body.revoked_reason;
  return { ...common, operation: `POST ${path}/revoke`, shown };
}

const hidden = '/api/v1/platform/hidden-keys';

const endings: Record<string, () => Promise<Ending>> = {
  'a user key by its id': () => ofUserKey(({ key_id }) => `${keysPath}/${key_id}`),
  'the keys of a user in an organization': () =>
    ofUserKey(({ user_id, organization_id }) => `${keysPath}/${user_id}/${organization_id}`),
  'the keys of a user': () => ofUserKey(({ user_id }) => `${keysPath}/user/${user_id}`),
  'a hidden key by an operator': () => ofUserKey(({ key_id }) => `${hidden}/${key_id}`, operator()),
  'the hidden keys of a user': () => ofUserKey(({ user_id }) => `${hidden}/user/${user_id}`, operator()),
  'a platform key': () => ofApiKey('revoke'),
  'a platform key that is removed': () => ofApiKey('delete'),
  'a master key': async () => {
    const { id } = await broker.createMasterKey();
    const path = `/api/v1/platform/master-keys/${id}`;
    return {
      operation: `POST ${path}/revoke`,
      options: operator(),
      id,
      eventType: 'master_key.revoked',
      shown: async () => (await broker.call(`GET ${path}`, operator())).body.revoked_reason,
    };
  },
  'the key of an API user': async () => {
    const { id } = await createApiUser(broker, apiAdmin);
    const options = { as: null, headers: { 'x-api-key': apiAdmin.key } };
    const shown = async () =>
      (
        await broker.db
          .selectFrom('api_keys')
          .select('revoked_reason')
          .where('user_id', '=', id)
          .executeTakeFirstOrThrow()
      ).revoked_reason;
    return { operation: `DELETE /users/${id}`, options, id, eventType: 'api_user.deleted', shown };
  },
};

function end({ operation, options }: Ending, query: string, body?: object): Promise<Answer> {
  return broker.call(operation + query, { ...options, ...(body !== undefined && { body }) });
}

const detailsOf = async ({ id, eventType }: Ending) =>
  (await auditEventsOf(broker, { targetId: id })).find(({ event_type }) => event_type === eventType)?.details;

describe.each(Object.entries(endings))('%s', (_what, prepare) => {
  test('422: an unknown reason, and one that query and body disagree about, end nothing', async () => {
    const ending = await prepare();
    expectViolations(await end(ending, '?reason=leaked'), 'reason');
    expectViolations(await end(ending, '', { reason: 'KEY_COMPROMISE' }), 'reason');
    expectViolations(await end(ending, '?reason=policy', { reason: 'owner_left' }), 'reason');
    expect(await detailsOf(ending)).toBeUndefined();
  });

  test.each([
    ['in the query', '?reason=key_compromise', undefined, 'key_compromise'],
    ['in the body', '', { reason: 'owner_left' }, 'owner_left'],
    ['in both', '?reason=policy', { reason: 'policy' }, 'policy'],
    ['unsaid', '', undefined, 'unspecified'],
  ])('the reason %s is shown, and stands in the audit event', async (_where, query, body, reason) => {
    const ending = await prepare();
    const answer = await end(ending, query, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    expect(await detailsOf(ending)).toMatchObject({ reason });
    if (ending.shown !== undefined) expect(await ending.shown()).toBe(reason);
  });
});

test('every reason of the contract is taken', async () => {
  for (const reason of revocationReasons) {
    const { key_id } = await mint(broker);
    await broker.call(`DELETE ${keysPath}/${key_id}?reason=${reason}`);
    expect((await getKey(broker, key_id)).body.revoked_reason).toBe(reason);
  }
});

test('the first reason stays when a key is revoked again', async () => {
  const { key_id } = await mint(broker);
  await broker.call(`DELETE ${keysPath}/${key_id}?reason=key_compromise`);
  await broker.call(`DELETE ${keysPath}/${key_id}?reason=policy`);
  expect((await getKey(broker, key_id)).body.revoked_reason).toBe('key_compromise');
});

test('a key that a refresh replaced was superseded, at once or at the end of its grace', async () => {
  const owner = newOwner();
  const first = await mint(broker, owner);
  const second = await refreshed(broker, owner, { grace_period_seconds: 1 });
  await refreshed(broker, second, {});
  const third = await mint(broker);
  await refreshed(broker, third, { grace_period_seconds: 1 });
  expect((await getKey(broker, third.key_id)).body).toMatchObject({
    status: 'superseded',
    revoked_reason: null,
  });
  await sleep(1_100);
  for (const { key_id } of [first, second, third]) {
    expect((await getKey(broker, key_id)).body).toMatchObject({
      status: 'revoked',
      revoked_reason: 'superseded',
    });
  }
  const past = new Date(Date.now() - 120_000);
  await broker.db
    .updateTable('api_keys')
    .set({ superseded_until: past })
    .where('id', '=', third.key_id)
    .execute();
  expect(await expireDueKeys(broker.api.parts)).toBe(1);
  expect((await auditEventsOf(broker, { targetId: third.key_id })).at(-1)).toMatchObject({
    event_type: 'key.revoked',
    details: { reason: 'superseded' },
  });
});

test('a revoke within the grace has its own reason', async () => {
  const old = await mint(broker);
  await refreshed(broker, old, { grace_period_seconds: 600 });
  await broker.call(`DELETE ${keysPath}/${old.key_id}?reason=key_compromise`);
  expect((await getKey(broker, old.key_id)).body.revoked_reason).toBe('key_compromise');
});

test('a rotation leaves a reason too', async () => {
  const { id } = await createApiUser(broker, apiAdmin);
  await callAs(broker, apiAdmin)(`POST /users/${id}/rotate-key`, { body: {} });
  const keys = broker.db.selectFrom('api_keys').select('revoked_reason').where('status', '=', 'revoked');
  expect(await keys.where('user_id', '=', id).execute()).toEqual([{ revoked_reason: 'superseded' }]);
});
