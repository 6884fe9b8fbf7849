import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { revokeMasterKey } from '../../../src/usecases/master-keys/revoke-master-key.ts';
import { testAccess } from '../../support/access.ts';
import { endAll } from '../../support/at-end.ts';
import { startBroker, type TestBroker, testOrigin } from '../../support/broker.ts';
import { cloneDatabase } from '../../support/database.ts';
import { deploy } from '../../support/deployment.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { append, revisionOf } from '../../support/feed.ts';
import { mint, revoke } from '../../support/keys.ts';
import { freshRedis } from '../../support/redis.ts';
import { slowRequest } from '../../support/slow-request.ts';
import { beat, neverRegistered, register, registerForLater, rowOf, verifiersPath } from './verifier-calls.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await endAll();
  await broker.close();
});
// A verifier that nobody lets beat any more would hold up every later revoke.
afterEach(() => broker.db.deleteFrom('verifiers').where('master_key_id', 'is not', null).execute());

const waiting = () => broker.api.parts.verifiers.changes.waiting;

async function registered() {
  const { verifier_id, applied_seq } = await register(broker);
  return { id: verifier_id, seq: applied_seq };
}

testAccess(() => broker, `POST ${verifiersPath}/${neverRegistered}/heartbeat`, 'keys:verify:embedded');

describe('404 VERIFIER_NOT_FOUND', () => {
  test('for one that was never registered, or was pruned', async () => {
    expectError(await beat(broker, neverRegistered, { applied_seq: 0 }), 404, 'VERIFIER_NOT_FOUND');
    const { id, seq } = await registered();
    await broker.db.deleteFrom('verifiers').where('id', '=', id).execute();
    expectError(await beat(broker, id, { applied_seq: seq }), 404, 'VERIFIER_NOT_FOUND');
  });

  test('for one of another master key, whose row stays as it is', async () => {
    const { id, seq } = await registered();
    const { secret: as } = await broker.createMasterKey();
    const before = await rowOf(broker, id);
    expectError(await beat(broker, id, { applied_seq: seq + 1 }, { as }), 404, 'VERIFIER_NOT_FOUND');
    expect((await rowOf(broker, id))?.lease_until).toEqual(before?.lease_until);
    expect((await rowOf(broker, id))?.applied_seq).toBe(seq);
  });

  test('for a row of an API process, which has no master key', async () => {
    const row = await broker.db
      .selectFrom('verifiers')
      .select('id')
      .where('master_key_id', 'is', null)
      .executeTakeFirstOrThrow();
    expectError(await beat(broker, row.id, { applied_seq: 0 }), 404, 'VERIFIER_NOT_FOUND');
  });

  test('for one that knows more than this database: it was restored, and its feed is another one', async () => {
    const { id, seq } = await registered();
    const acknowledged = { applied_seq: seq + 5, acknowledged_seq: seq + 5 };
    expectError(await beat(broker, id, acknowledged), 404, 'VERIFIER_NOT_FOUND');
    expect((await rowOf(broker, id))?.applied_seq).toBe(seq);
  });
});

describe('409 VERIFIER_BEHIND', () => {
  test('for one that reports less than the last answer contained; its lease ends as it was', async () => {
    const { id, seq } = await registered();
    await append(broker.db, revisionOf('flk_told', 2));
    expect((await beat(broker, id, { applied_seq: seq })).status).toBe(200);
    const before = await rowOf(broker, id);
    expectError(await beat(broker, id, { applied_seq: seq }), 409, 'VERIFIER_BEHIND');
    expect((await rowOf(broker, id))?.lease_until).toEqual(before?.lease_until);
  });

  test('also when the change came while the last one waited', async () => {
    const { id, seq } = await registered();
    const heard = beat(broker, id, { applied_seq: seq, wait_ms: 5_000 });
    await eventually(5_000, waiting, (count) => count > 0);
    await append(broker.db, revisionOf('flk_told_later', 2));
    expect((await heard).body.changes).toMatchObject([{ subject_id: 'flk_told_later' }]);
    expectError(await beat(broker, id, { applied_seq: seq }), 409, 'VERIFIER_BEHIND');
  });

  test('and from then on it is not found, whatever it reports, and still waited for', async () => {
    const { id, seq } = await registered();
    const told = await append(broker.db, revisionOf('flk_ignored', 2));
    await beat(broker, id, { applied_seq: seq });
    await beat(broker, id, { applied_seq: seq });
    expectError(await beat(broker, id, { applied_seq: told }), 404, 'VERIFIER_NOT_FOUND');
    const { key_id } = await mint(broker);
    expect((await revoke(broker, key_id)).body).toMatchObject({ propagation: 'pending' });
  });

  test('not for one that reports all of it, nor when nothing was told', async () => {
    const { id, seq } = await registered();
    for (let times = 0; times < 3; times++) {
      expect((await beat(broker, id, { applied_seq: seq })).status).toBe(200);
    }
    const told = await append(broker.db, revisionOf('flk_heeded', 2));
    await beat(broker, id, { applied_seq: seq });
    expect((await beat(broker, id, { applied_seq: told })).status).toBe(200);
  });
});

describe('its master key, when it has ended', () => {
  test('401: a heartbeat whose body comes later extends nothing', async () => {
    const { id: masterKeyId, secret: as } = await broker.createMasterKey();
    const { verifier_id, applied_seq } = await register(broker, { as });
    const late = await slowRequest(broker.url, `POST ${verifiersPath}/${verifier_id}/heartbeat`, {
      headers: { 'x-flowplate-master-key': as },
      body: { applied_seq },
    });
    await revokeMasterKey(broker.api.parts, testOrigin, masterKeyId);
    const before = await rowOf(broker, verifier_id);
    expect(await late.finish()).toBe(401);
    expect(await rowOf(broker, verifier_id)).toEqual({ ...before, leaseLeftMs: expect.any(Number) });
  });

  test('its verifiers are still waited for, since their processes may still say yes', async () => {
    const { id: masterKeyId, secret: as } = await broker.createMasterKey();
    await register(broker, { as });
    await revokeMasterKey(broker.api.parts, testOrigin, masterKeyId);
    const rows = await broker.db
      .selectFrom('verifiers')
      .select('is_ended')
      .where('master_key_id', '=', masterKeyId)
      .execute();
    expect(rows).toEqual([{ is_ended: true }]);
    const { key_id } = await mint(broker);
    expect((await revoke(broker, key_id)).body.propagation).toBe('pending');
  });
});

test('422: without a place, with one below zero, and with a wait beyond five seconds', async () => {
  const { id, seq } = await registered();
  expectViolations(await beat(broker, id, {}), 'applied_seq');
  expectViolations(await beat(broker, id, { applied_seq: -1 }), 'applied_seq');
  expectViolations(await beat(broker, id, { applied_seq: seq, wait_ms: 5_001 }), 'wait_ms');
  expectViolations(await beat(broker, 'x', { applied_seq: seq }), 'verifier_id');
});

describe('200', () => {
  test('it extends the lease and writes down what was applied, never less than before', async () => {
    const { id, seq } = await registered();
    await sql`UPDATE verifiers SET lease_until = clock_timestamp() - interval '1 second' WHERE id = ${id}`.execute(
      broker.db,
    );
    expect((await beat(broker, id, { applied_seq: seq + 3 })).status).toBe(200);
    expect(await rowOf(broker, id)).toMatchObject({ applied_seq: seq + 3 });
    expect((await rowOf(broker, id))?.leaseLeftMs).toBeGreaterThan(5_000);
    await beat(broker, id, { applied_seq: seq + 1 });
    expect((await rowOf(broker, id))?.applied_seq).toBe(seq + 3);
  });

  test('it answers at once with what changed after the place, in the order of the feed', async () => {
    const { id, seq } = await registered();
    const first = await append(broker.db, revisionOf('flk_first', 2));
    const second = await append(broker.db, revisionOf('flk_second', 3));
    const { body } = await beat(broker, id, { applied_seq: seq, wait_ms: 5_000 });
    expect(body.changes).toEqual([
      { seq: first, kind: 'key', subject_id: 'flk_first', revision: 2, status: null },
      { seq: second, kind: 'key', subject_id: 'flk_second', revision: 3, status: null },
    ]);
    expect(body).toMatchObject({ applied_seq: second, has_more: false });
    expect(Math.abs(body.server_time_ms - Date.now())).toBeLessThan(2_000);
  });

  test('a wait ends with the change, and the next heartbeat is what completes the revoke', async () => {
    const { id, seq } = await registered();
    const { key_id } = await mint(broker);
    const heard = beat(broker, id, { applied_seq: seq, wait_ms: 5_000 });
    await eventually(5_000, waiting, (count) => count > 0);
    const startedMs = performance.now();
    const revoked = revoke(broker, key_id);
    const { body } = await heard;
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    expect(body.changes).toMatchObject([{ kind: 'key', subject_id: key_id, revision: 2 }]);
    expect(await Promise.race([revoked, sleep(150, 'waits')])).toBe('waits');
    await beat(broker, id, { applied_seq: body.applied_seq, acknowledged_seq: seq });
    const { status, body: answer } = await revoked;
    expect([status, answer.propagation, answer.propagation_detail.total]).toEqual([200, 'complete', 2]);
  });

  test('a wait that brings nothing ends in time and leaves the lease as it was at its start', async () => {
    const { id, seq } = await registered();
    const heard = beat(broker, id, { applied_seq: seq, wait_ms: 600 });
    await eventually(5_000, waiting, (count) => count > 0);
    const during = await rowOf(broker, id);
    expect((await heard).body).toMatchObject({ changes: [], applied_seq: seq, has_more: false });
    expect((await rowOf(broker, id))?.lease_until).toEqual(during?.lease_until);
    expect(waiting()).toBe(0);
  });

  test('a change that NOTIFY does not tell of is found when the wait is over', async () => {
    const { id, seq } = await registered();
    const heard = beat(broker, id, { applied_seq: seq, wait_ms: 1_500 });
    await eventually(5_000, waiting, (count) => count > 0);
    await sql`INSERT INTO key_changes (kind, subject_id, revision) VALUES ('key', 'flk_untold', 9)`.execute(
      broker.db,
    );
    expect((await heard).body.changes).toMatchObject([{ subject_id: 'flk_untold', revision: 9 }]);
  });

  test('a newer heartbeat of the same verifier ends the wait of the older, and leaves those of others', async () => {
    const [one, other] = [await registered(), await registered()];
    const older = beat(broker, one.id, { applied_seq: one.seq, wait_ms: 5_000 });
    const others = beat(broker, other.id, { applied_seq: other.seq, wait_ms: 1_500 });
    await eventually(5_000, waiting, (count) => count === 2);
    const startedMs = performance.now();
    const newer = beat(broker, one.id, { applied_seq: one.seq, wait_ms: 1_500 });
    expect((await older).body).toMatchObject({ changes: [], applied_seq: one.seq });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    await eventually(1_000, waiting, (count) => count === 2);
    for (const { status } of await Promise.all([newer, others])) expect(status).toBe(200);
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
  });

  test('one that is more than an answer behind is told the feed, and gets its lease with the last answer', async () => {
    const { verifier_id: id, applied_seq: seq } = await registerForLater(broker);
    await sql`INSERT INTO key_changes (kind, subject_id, revision)
      SELECT 'key', 'flk_before_' || number, 2 FROM generate_series(1, 2100) AS number`.execute(broker.db);
    const steps: [isLive: boolean, hasMore: boolean][] = [];
    for (let at = seq; steps.at(-1)?.[1] !== false; ) {
      const { body } = await beat(broker, id, { applied_seq: at });
      steps.push([((await rowOf(broker, id))?.leaseLeftMs ?? 0) > 1_000, body.has_more]);
      at = body.applied_seq;
    }
    expect(steps).toEqual([
      [false, true],
      [false, true],
      [true, false],
    ]);
  });

  test('whoever leaves frees its place at once', async () => {
    const { id, seq } = await registered();
    const leaving = new AbortController();
    const left = fetch(`${broker.url}${verifiersPath}/${id}/heartbeat`, {
      method: 'POST',
      headers: { 'x-flowplate-master-key': broker.masterKey, 'content-type': 'application/json' },
      body: JSON.stringify({ applied_seq: seq, wait_ms: 5_000 }),
      signal: leaving.signal,
    });
    await eventually(5_000, waiting, (count) => count > 0);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await eventually(2_000, waiting, (count) => count === 0);
  });

  test('more than a thousand changes come in several answers, each but the last saying so', async () => {
    const { id, seq } = await registered();
    await sql`INSERT INTO key_changes (kind, subject_id, revision)
      SELECT 'key', 'flk_' || number, 2 FROM generate_series(1, 2500) AS number`.execute(broker.db);
    const seen: string[] = [];
    const more: boolean[] = [];
    for (let at = seq; more.at(-1) !== false; ) {
      const { body } = await beat(broker, id, { applied_seq: at });
      seen.push(...body.changes.map((change: { subject_id: string }) => change.subject_id));
      more.push(body.has_more);
      at = body.applied_seq;
    }
    expect(more).toEqual([true, true, false]);
    expect(seen).toEqual(Array.from({ length: 2_500 }, (_, index) => `flk_${index + 1}`));
  });

  test('what lies beyond its allow-list moves the place on and is not named', async () => {
    const { id, secret: as } = await broker.createMasterKey({ organizationIds: ['org_mine'] });
    const { verifier_id, applied_seq } = await register(broker, { as });
    let place = applied_seq;
    const heard = async () => {
      const { body } = await beat(broker, verifier_id, { applied_seq: place }, { as });
      place = body.applied_seq;
      return body;
    };
    const change = { kind: 'organization' as const, revision: 2, status: 'suspended' };
    await append(broker.db, { ...change, subjectId: 'org_other' });
    const seq = await append(broker.db, { ...revisionOf('flm_other', 2), kind: 'master_key' });
    expect(await heard()).toMatchObject({ changes: [], applied_seq: seq });
    await append(broker.db, { ...change, subjectId: 'org_mine' });
    await append(broker.db, { ...revisionOf(id, 2), kind: 'master_key' });
    expect((await heard()).changes).toMatchObject([{ subject_id: 'org_mine' }, { subject_id: id }]);
  });

  test('the revoke of its own master key ends the wait and is named', async () => {
    const { id, secret: as } = await broker.createMasterKey();
    const { verifier_id, applied_seq } = await register(broker, { as });
    const heard = beat(broker, verifier_id, { applied_seq, wait_ms: 5_000 }, { as });
    await eventually(5_000, waiting, (count) => count > 0);
    await revokeMasterKey(broker.api.parts, testOrigin, id);
    expect((await heard).body.changes).toMatchObject([{ kind: 'master_key', subject_id: id }]);
    const refused = await beat(broker, verifier_id, { applied_seq }, { as });
    expectError(refused, 401, 'AUTHENTICATION_REQUIRED');
  });
});

test('a process that wants to end lets those go who wait', async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  const { url: redisUrl } = await freshRedis(inject('redisUrl'));
  const api = await deploy({ databaseUrl: database.url, redisUrl }).startApi();
  const { body } = await api.call(`POST ${verifiersPath}`);
  const { verifier_id, applied_seq } = body;
  const heard = api.call(`POST ${verifiersPath}/${verifier_id}/heartbeat`, {
    body: { applied_seq, wait_ms: 5_000 },
  });
  await sleep(300);
  const startedMs = performance.now();
  api.kill('SIGTERM');
  expect((await heard).status).toBe(200);
  expect((await api.exited).code).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(4_000);
  await database.drop();
});
