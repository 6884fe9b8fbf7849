import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FairBulkhead } from '../../src/concurrency/fair-bulkhead.ts';
import type { Tx } from '../../src/stores/postgres/database.ts';
import { lockUserKeys } from '../../src/stores/postgres/user-keys/user-keys.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import type { Answer } from '../support/call.ts';
import { eventually } from '../support/eventually.ts';
import { insist } from '../support/insist.ts';
import { keysPath, mint, newOwner, refresh, revoke, update } from '../support/keys.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { bootstrapped, platformUser } from '../support/platform-users.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

/** The transaction that holds everybody up. */
let held: Tx;

type Request = () => Promise<Answer>;

const times = (count: number, request: (index: number) => Promise<Answer>): Request[] =>
  Array.from({ length: count }, (_, index) => () => request(index));

/** Where the requests wait, and how many of them run. */
type Stand = { bulkhead: FairBulkhead; running: number };

const reads = (): Stand => ({
  bulkhead: broker.api.parts.reads,
  running: Math.ceil(broker.config.CONTROL_CONNECTIONS_MAX / 4),
});
const changes = (): Stand => ({
  bulkhead: broker.api.parts.connections,
  running: Math.floor(broker.config.CONTROL_CONNECTIONS_MAX / 2),
});

const floodSize = 60;
/** The other caller's turn is next but one; the first turn may be the flood's. */
const expectedAhead = 2;

/**
 * Sends the flood while `lock` holds it up, and the other caller's request behind it, and lets go
 * once all have arrived and wait. Answers how many of the flood began while the other caller
 * waited. Told to come back, on a busy machine, it comes back.
 */
async function beganBefore(
  other: Request,
  flood: Request[],
  lock: () => Promise<unknown>,
  { bulkhead, running }: Stand = reads(),
) {
  const lastTurn = watchTurns(bulkhead);
  let answered = 0;
  const counted = async (request: Request) => {
    const answer = await request();
    answered += 1;
    return answer;
  };
  const arrived = () => bulkhead.occupancy().waiting + answered + running;
  let floodOver: Promise<Answer>[] = [];
  let late: Promise<{ status: number; before: number | undefined }> | undefined;
  await broker.db.transaction().execute(async (tx) => {
    held = tx;
    // Until all have arrived, however long that takes.
    await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(tx);
    await lock();
    floodOver = flood.map(counted);
    await eventually(5_000, arrived, (count) => count >= flood.length);
    late = insist(other).then(({ status }) => ({ status, before: lastTurn() }));
    await eventually(5_000, arrived, (count) => count > flood.length);
  });
  const found = await late;
  await Promise.all(floodOver);
  return found;
}

/** How many tasks of other callers began while the caller that came last waited for its turn. */
function watchTurns(bulkhead: FairBulkhead): () => number | undefined {
  const begun: string[] = [];
  const aheadOf = new Map<string, number>();
  const run = bulkhead.run.bind(bulkhead);
  let newest = '';
  vi.spyOn(bulkhead, 'run').mockImplementation((place, task) => {
    const atArrival = begun.length;
    newest = place;
    return run(place, () => {
      aheadOf.set(place, begun.slice(atArrival).filter((other) => other !== place).length);
      begun.push(place);
      return task();
    });
  });
  return () => aheadOf.get(newest);
}

const lockKeys = () => sql`LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE`.execute(held);

describe('a flood by one caller is answered after what another one asks meanwhile', () => {
  test('changes of one key by a master key', async () => {
    const narrow = await broker.createMasterKey({ organizationIds: ['org_flood'] });
    const as = narrow.secret;
    const own = await mint(broker, { ...newOwner(), organization_id: 'org_flood' }, { as });
    const { key_id } = await mint(broker);
    const flood = times(floodSize, (index) => update(broker, own.key_id, { name: `name ${index}` }, { as }));
    const found = await beganBefore(
      () => revoke(broker, key_id),
      flood,
      () => lockUserKeys(held, own.user_id),
      changes(),
    );
    expect(found?.status).toBe(200);
    expect(found?.before).toBeLessThanOrEqual(expectedAhead);
  });

  test('lists by a master key', async () => {
    const { secret: as } = await broker.createMasterKey({ organizationIds: ['org_flood'] });
    const flood = times(floodSize, () => broker.call(`GET ${keysPath}?limit=100`, { as }));
    const found = await beganBefore(() => broker.call(`GET ${keysPath}?limit=1`), flood, lockKeys);
    expect(found?.status).toBe(200);
    expect(found?.before).toBeLessThanOrEqual(expectedAhead);
  });

  test('an organization is one caller, however many keys it makes for itself', async () => {
    const keys = await Promise.all(Array.from({ length: 30 }, () => tenantKey(broker, 'org_many_keys')));
    const list = (headers: Record<string, string>) =>
      broker.call('GET /api/v1/apikeys', { as: null, headers });
    // Known to the process from here on: recognising them reads the table that will be locked.
    for (const { headers } of keys) expect((await list(headers)).status).toBe(200);
    const flood = times(floodSize, (index) => list(keys[index % keys.length]?.headers ?? {}));
    const found = await beganBefore(() => broker.call(`GET ${keysPath}?limit=1`), flood, lockKeys);
    expect(found?.status).toBe(200);
    expect(found?.before).toBeLessThanOrEqual(expectedAhead);
  });

  test('the audit log by a read-only operator', async () => {
    const { headers } = await platformKey(broker, ['role_platform_viewer']);
    const read = () => broker.call('GET /api/v1/platform/audit?limit=10', { as: null, headers });
    expect((await read()).status).toBe(200);
    const flood = times(floodSize, read);
    const found = await beganBefore(
      () => broker.call(`GET ${keysPath}?limit=1`),
      flood,
      () => sql`LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE`.execute(held),
    );
    expect(found?.status).toBe(200);
    expect(found?.before).toBeLessThanOrEqual(expectedAhead);
  });
});

describe('users of two organizations may have one id', () => {
  test('a caller who keeps the turn of that user full holds up no revoke by another', async () => {
    const owner = await mint(broker, { user_id: 'alice', organization_id: 'org_theirs' });
    const { secret: as } = await broker.createMasterKey({
      permissions: ['keys:refresh'],
      organizationIds: ['org_nothing_in_it'],
    });
    let isOver = false;
    const flood = Array.from({ length: 520 }, async () => {
      while (!isOver) {
        const { status } = await refresh(broker, owner, {}, { as });
        if (status === 503) await sleep(20);
      }
    });
    await eventually(
      10_000,
      () => refresh(broker, owner, {}, { as }),
      ({ status }) => status === 503,
    );
    const answer = await broker.call(`DELETE ${keysPath}/${owner.user_id}/${owner.organization_id}`);
    isOver = true;
    await Promise.all(flood);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    expect(answer.body.revoked_count).toBe(1);
  });

  test('a refresh where the caller may not look takes no lock that the others wait for', async () => {
    const owner = await mint(broker);
    const { secret: as } = await broker.createMasterKey({ organizationIds: ['org_elsewhere'] });
    await broker.db.transaction().execute(async (tx) => {
      await lockUserKeys(tx, owner.user_id);
      const answer = await refresh(broker, owner, {}, { as });
      expect(answer.body.error.code).toBe('KEY_NOT_FOUND');
    });
  });
});

test('an operator who floods changes of the own account holds up nobody’s deactivation', async () => {
  const operatorsTurn = 'rights of platform users';
  const root = await bootstrapped(broker);
  const hostile = await platformUser(broker, root, ['role_platform_viewer']);
  const user = await platformUser(broker, root);
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const holder = broker.api.parts.turns.run(operatorsTurn, () => held);
  const refused: number[] = [];
  const flood = times(510, async () => {
    const endOthers = 'DELETE /api/v1/platform/auth/sessions';
    const answer = await broker.call(endOthers, { as: null, headers: hostile.headers });
    if (answer.status === 503) refused.push(answer.status);
    return answer;
  }).map((request) => request());
  // As many wait as may.
  await eventually(
    10_000,
    () => refused.length,
    (count) => count >= 10,
  );
  const asked = vi.spyOn(broker.api.parts.turns, 'run');
  const deactivated = broker.call(`PUT /api/v1/platform/users/${user.id}`, {
    as: null,
    headers: root.headers,
    body: { is_active: false },
  });
  // It stands in the queue, or was refused.
  await eventually(
    10_000,
    () => asked.mock.calls.some(([name]) => name === operatorsTurn),
    (isThere) => isThere,
  );
  release();
  expect((await deactivated).status).toBe(200);
  await Promise.all([holder, ...flood]);
});
