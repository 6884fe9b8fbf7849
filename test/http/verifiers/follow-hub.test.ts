import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HubLine } from '../../../src/domain/hub-lines.ts';
import { listVerifiers } from '../../../src/usecases/verifiers/list-verifiers.ts';
import { endAll } from '../../support/at-end.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';
import { appendMany } from '../../support/feed.ts';
import { mint, revoke, revokeEverywhere } from '../../support/keys.ts';
import { openStream } from '../../support/raw-follower.ts';
import { sendRaw } from '../../support/raw-request.ts';
import {
  beat as heartbeat,
  neverRegistered,
  registerForLater,
  rowOf,
  verifiersPath,
} from './verifier-calls.ts';

const leaseMs = 3_000;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ LEASE_MS: String(leaseMs) });
});
afterEach(endAll);
afterAll(() => broker.close());

/** With a lease from the broker's process. */
async function following(limits: Parameters<TestBroker['createMasterKey']>[0] = {}) {
  const { secret, id: masterKeyId } = await broker.createMasterKey(limits);
  const { verifier_id: id, applied_seq: seq } = await registerForLater(broker, { as: secret });
  const follower = await openStream(broker, id, secret);
  const lease = await follower.beat(seq);
  follower.send({ alone: true });
  await isFollowing(id, broker);
  return { id, seq, masterKeyId, secret, follower, lease };
}

/** Until Postgres knows whom it follows. */
const isFollowing = (id: string, { api }: TestBroker) =>
  eventually(
    5_000,
    () => broker.db.selectFrom('verifiers').select('hub_id').where('id', '=', id).executeTakeFirst(),
    (row) => row?.hub_id === api.parts.following.hubId,
  );

const changesTold = (lines: readonly HubLine[]) =>
  lines.flatMap((line) => ('changes' in line ? line.changes : []));

/** Until the hub counts as many followers in its row. */
const untilCounted = (count: number) =>
  eventually(
    5_000,
    async () => {
      const rows = await broker.db
        .selectFrom('verifiers')
        .select('followers')
        .where('master_key_id', 'is', null)
        .execute();
      return rows.flatMap((row) => Object.values(row.followers as Record<string, number>));
    },
    (counts) => counts.reduce((sum, each) => sum + each, 0) === count,
  );

describe('a follower', () => {
  test('gets a lease that ends before that of its hub, and Postgres waits for no row of its own', async () => {
    const { id, lease } = await following();
    expect(lease.lease_ms).toBeGreaterThan(leaseMs / 2);
    expect(lease.lease_ms).toBeLessThanOrEqual(leaseMs - leaseMs / 15);
    const row = await broker.db
      .selectFrom('verifiers')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    expect(row.hub_id).not.toBeNull();
    expect(row.lease_until.getTime()).toBeLessThanOrEqual(Date.now());
  });

  test('is told each change as it happens, and a revoke waits for its word', async () => {
    const { follower, lease } = await following();
    const { key_id } = await mint(broker);
    let isAnswered = false;
    const revoked = revoke(broker, key_id).finally(() => {
      isAnswered = true;
    });
    const told = await eventually(
      5_000,
      () => changesTold(follower.lines).find(({ subject_id }) => subject_id === key_id),
      (change) => change !== undefined,
    );
    await sleep(200);
    expect(isAnswered).toBe(false);
    follower.send({ applied_seq: told?.seq ?? 0 });
    const { status, body } = await revoked;
    expect([status, body.propagation]).toEqual([200, 'complete']);
    expect(body.propagation_detail).toMatchObject({ acknowledged: 2, total: 2 });
    expect(told?.seq).toBeGreaterThan(lease.applied_seq);
  });

  test('that says nothing is named, gets no other lease, and holds up a change until its lease ends', async () => {
    const { id, masterKeyId, follower } = await following();
    const { key_id } = await mint(broker);
    const pending = await revoke(broker, key_id);
    expect([pending.status, pending.body.propagation]).toEqual([202, 'pending']);
    const { acknowledged, total } = pending.body.propagation_detail;
    expect(total - acknowledged).toBe(1);
    const named = broker.logLines.findLast((logged) => logged.includes('held_up_by'));
    expect(named).toContain(id);
    expect(named).toContain(masterKeyId);
    // The first beat after the change extends once more, as for a heartbeat: it owed nothing yet.
    const behind = await follower.beat(0);
    expect((await follower.beat(0)).lease_ms).toBe(0);
    await sleep(behind.lease_ms);
    expect((await follower.beat(0)).lease_ms).toBe(0);
    const again = await revoke(broker, (await mint(broker)).key_id);
    expect(again.body.propagation).toBe('complete');
  });

  test('that says nothing holds up no change that its master key cannot see', async () => {
    const { key_id } = await mint(broker);
    const blind = { organizationIds: ['org_elsewhere'] };
    const { follower } = await following(blind);
    await revokeEverywhere(broker, key_id);
    // Told of it all the same: the feed names keys, not their organizations.
    expect(changesTold(follower.lines).map(({ subject_id }) => subject_id)).toContain(key_id);
  });

  test('whose connection is lost is waited for until its lease has ended', async () => {
    const { follower, lease } = await following();
    follower.cut();
    await follower.closed;
    const { key_id } = await mint(broker);
    expect((await revoke(broker, key_id)).body.propagation).toBe('pending');
    await sleep(lease.lease_ms);
    await revokeEverywhere(broker, (await mint(broker)).key_id);
  });

  test('that has left is waited for no more', async () => {
    const { follower } = await following();
    follower.send({ left: true });
    await follower.closed;
    await revokeEverywhere(broker, (await mint(broker)).key_id);
  });

  test('that was lost and has begun at another process is waited for there alone', async () => {
    const { id, secret, follower } = await following();
    follower.cut();
    await follower.closed;
    const other = await broker.replica();
    try {
      const moved = await openStream(other, id, secret);
      expect((await moved.beat(0)).lease_ms).toBeGreaterThan(0);
      moved.send({ alone: true });
      await isFollowing(id, other);
      const { key_id } = await mint(broker);
      const revoked = revoke(broker, key_id);
      const told = await eventually(
        5_000,
        () => changesTold(moved.lines).find(({ subject_id }) => subject_id === key_id),
        (change) => change !== undefined,
      );
      moved.send({ applied_seq: told?.seq ?? 0 });
      expect((await revoked).body.propagation).toBe('complete');
      moved.send({ left: true });
      await moved.closed;
    } finally {
      await other.close();
    }
  });

  test('that comes again while its lease counts owes what it had not applied', async () => {
    const { id, secret, seq, follower } = await following();
    const { key_id } = await mint(broker);
    expect((await revoke(broker, key_id)).body.propagation).toBe('pending');
    follower.cut();
    await follower.closed;
    const again = await openStream(broker, id, secret);
    const lease = await again.beat(seq);
    expect(lease.lease_ms).toBeGreaterThan(0);
    const told = changesTold(again.lines).find(({ subject_id }) => subject_id === key_id);
    const { hub } = broker.api.parts.following;
    // Another test's follower may be one too, until its lease has ended.
    const laggard = () => hub.progress()?.laggards.find((one) => one.id === id);
    await eventually(1_000, laggard, (found) => found?.appliedSeq === seq);
    again.send({ applied_seq: told?.seq ?? 0 });
    await eventually(
      5_000,
      () => hub.progress() !== undefined && laggard() === undefined,
      (isNone) => isNone,
    );
  });

  test('says what it relies on for its last stream only', async () => {
    const { id, secret, seq, follower } = await following();
    const other = await broker.replica();
    try {
      const moved = await openStream(other, id, secret);
      expect((await moved.beat(seq)).lease_ms).toBeGreaterThan(0);
      // Late, from the process that it comes from: nobody may take it for having left the other.
      follower.send({ alone: true });
      await follower.closed;
      const hubOf = () =>
        broker.db.selectFrom('verifiers').select('hub_id').where('id', '=', id).executeTakeFirst();
      expect(await hubOf()).toEqual({ hub_id: null });
      const { key_id } = await mint(broker);
      expect((await moved.beat(seq)).lease_ms).toBeGreaterThan(0);
      // It has not acknowledged it there, and so is waited for.
      expect((await revoke(broker, key_id)).body.propagation).toBe('pending');
      moved.send({ left: true });
      await moved.closed;
    } finally {
      await other.close();
    }
  });

  test('that was away is told what it missed before it gets a lease', async () => {
    const { verifier_id: id, applied_seq } = await registerForLater(broker);
    await appendMany(broker.db, 'flk_missed', 2_500);
    await eventually(
      10_000,
      () => broker.api.parts.following.hub.appliedSeq,
      (seq) => seq >= applied_seq + 2_500,
    );
    const follower = await openStream(broker, id);
    const lease = await follower.beat(applied_seq);
    expect(lease.lease_ms).toBeGreaterThan(0);
    const told = changesTold(follower.lines).filter(({ subject_id }) => subject_id.startsWith('flk_missed'));
    expect(new Set(told.map(({ seq }) => seq)).size).toBe(2_500);
  });

  test('counts among the verifiers of its master key, and operators see it live', async () => {
    const { id } = await following();
    await untilCounted(1);
    const { verifiers, live } = await listVerifiers({ db: broker.db });
    expect(live).toBeGreaterThanOrEqual(2);
    expect(verifiers.find((row) => row.id === id)).toMatchObject({ behind: 0 });
  });

  test('is told the position that Postgres has stored, and not the one that it claims', async () => {
    const { verifier_id: id, applied_seq: seq } = await registerForLater(broker);
    await revoke(broker, (await mint(broker)).key_id);
    const follower = await openStream(broker, id);
    expect((await follower.beat(seq + 1)).stored_seq).toBe(seq);
  });

  test('that is silent for longer than any lease loses its stream', async () => {
    const { verifier_id: id } = await registerForLater(broker);
    await (await openStream(broker, id)).closed;
  }, 60_000);

  test('whose row is gone is told to begin again', async () => {
    const { id, follower } = await following();
    await broker.db.deleteFrom('verifiers').where('id', '=', id).execute();
    await eventually(
      5_000,
      () => follower.lines.at(-1),
      (line) => line !== undefined && 'end' in line && line.end === 'forgotten',
    );
    expect((await follower.beat(0)).lease_ms).toBe(0);
  });

  test('that turns to heartbeats has a lease of its own again', async () => {
    const { id, seq, secret, follower } = await following();
    follower.send({ left: true });
    await follower.closed;
    const answer = await heartbeat(broker, id, { applied_seq: seq }, { as: secret });
    expect(answer.status).toBe(200);
    expect((await rowOf(broker, id))?.leaseLeftMs).toBeGreaterThan(leaseMs / 2);
  });
});

describe('a stream is refused', () => {
  const handshake = (path: string, masterKey?: string) =>
    sendRaw(
      broker.url,
      [
        `GET ${path} HTTP/1.1`,
        'Host: broker',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
        ...(masterKey === undefined ? [] : [`x-flowplate-master-key: ${masterKey}`]),
        '',
        '',
      ].join('\r\n'),
    );
  const streamPath = `${verifiersPath}/${neverRegistered}/stream`;

  test('without a master key, and with one that lacks the permission', async () => {
    expect(await handshake(streamPath)).toMatch(/^HTTP\/1.1 401 [\s\S]*AUTHENTICATION_REQUIRED/);
    const { secret } = await broker.createMasterKey({ permissions: ['keys:verify'] });
    expect(await handshake(streamPath, secret)).toMatch(/^HTTP\/1.1 403 [\s\S]*INSUFFICIENT_PERMISSIONS/);
  });

  test('for a verifier of another master key', async () => {
    const { verifier_id } = await registerForLater(broker);
    const { secret } = await broker.createMasterKey();
    const stranger = await openStream(broker, verifier_id, secret);
    stranger.send({ applied_seq: 0, beat: 1 });
    await stranger.closed;
    expect(stranger.lines.at(-1)).toEqual({ end: 'forgotten' });
  });

  test('and an upgrade to anything else is served as the request that it is', async () => {
    const answer = await handshake('/v1/flowplate/authz', broker.masterKey);
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
    expect(await handshake('/nowhere')).toMatch(/^HTTP\/1.1 404 /);
  });

  test.each([
    ['text that is no JSON', 'hello'],
    ['a line of another shape', '{"beat":1}'],
    ['a negative position', '{"applied_seq":-1,"beat":1}'],
    ['a first line without a beat', '{"applied_seq":0}'],
    ['a line that is too long', JSON.stringify({ applied_seq: 0, beat: 1, more: 'x'.repeat(2_000) })],
  ])('once it brings %s', async (_, line) => {
    const { verifier_id } = await registerForLater(broker);
    const follower = await openStream(broker, verifier_id);
    follower.send(line);
    await follower.closed;
    expect(follower.lines).toHaveLength(1);
  });
});
