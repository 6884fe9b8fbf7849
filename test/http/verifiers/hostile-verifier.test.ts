import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { insist } from '../../support/insist.ts';
import { mint, revoke } from '../../support/keys.ts';
import { beat, registerForLater, verifiersPath } from './verifier-calls.ts';

const leaseMs = 3_000;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ LEASE_MS: String(leaseMs) });
});
afterAll(() => broker.close());
afterEach(() => broker.db.deleteFrom('verifiers').where('master_key_id', 'is not', null).execute());

/**
 * Takes a lease, and then says for ever that it has applied nothing of what it was told. Counts the
 * answers by their status.
 */
async function hostile(limits: Parameters<TestBroker['createMasterKey']>[0] = {}) {
  const permissions = ['keys:verify:embedded' as const];
  const { secret: as } = await broker.createMasterKey({ permissions, ...limits });
  const { verifier_id, applied_seq } = await registerForLater(broker, { as });
  expect((await beat(broker, verifier_id, { applied_seq }, { as })).status).toBe(200);
  const statuses: Record<number, number> = {};
  let isOver = false;
  const running = (async () => {
    while (!isOver) {
      const { status } = await beat(broker, verifier_id, { applied_seq, wait_ms: 500 }, { as });
      statuses[status] = (statuses[status] ?? 0) + 1;
      await sleep(20);
    }
  })();
  return {
    statuses,
    stop: async () => {
      isOver = true;
      await running;
    },
  };
}

/**
 * Answers to revokes of honest tenants meanwhile, with their times in milliseconds since the first;
 * for so long, and until these are enough.
 */
async function revokeFor(forMs: number, areEnough: (answers: Revoked[]) => boolean = () => true) {
  const answers: Revoked[] = [];
  const startedMs = performance.now();
  const startedAt = Date.now();
  const tenant = async () => {
    while (performance.now() - startedMs < forMs || !areEnough(answers)) {
      const { key_id } = await mint(broker);
      const afterMs = performance.now() - startedMs;
      const { body } = await insist(() => revoke(broker, key_id));
      const { waited_ms: waitedMs, effective_by } = body.propagation_detail;
      const effectiveInMs = Date.parse(effective_by) - startedAt;
      answers.push({ afterMs, waitedMs, propagation: body.propagation, effectiveInMs });
    }
  };
  await Promise.all([tenant(), tenant(), tenant()]);
  return answers;
}

type Revoked = { afterMs: number; waitedMs: number; propagation: string; effectiveInMs: number };

describe('a verifier that takes no notice of what it is told', () => {
  test('delays revokes for one lease, once, and gets no other', async () => {
    const { statuses, stop } = await hostile();
    const afterLease = (answers: Revoked[]) => answers.filter(({ afterMs }) => afterMs > leaseMs + 500);
    const answers = await revokeFor(2 * leaseMs, (all) => afterLease(all).length > 20);
    await stop();
    const pending = answers.filter(({ propagation }) => propagation === 'pending');
    expect(pending.length).toBeGreaterThan(0);
    for (const { afterMs, effectiveInMs } of pending) {
      expect(afterMs).toBeLessThan(leaseMs);
      expect(effectiveInMs).toBeLessThan(leaseMs + 500);
    }
    const later = afterLease(answers);
    expect(later.length).toBeGreaterThan(20);
    expect(new Set(later.map(({ propagation }) => propagation))).toEqual(new Set(['complete']));
    expect(Math.max(...later.map(({ waitedMs }) => waitedMs))).toBeLessThan(1_000);
    expect(Object.keys(statuses).sort()).toEqual(['200', '404', '409']);
    expect(statuses[409]).toBe(1);
  });

  test('delays nothing that its master key cannot see', async () => {
    const { stop } = await hostile({ organizationIds: ['org_of_its_own'] });
    const answers = await revokeFor(1_500, ({ length }) => length > 10);
    await stop();
    expect(answers.length).toBeGreaterThan(10);
    expect(new Set(answers.map(({ propagation }) => propagation))).toEqual(new Set(['complete']));
  });
});

test('a verifier that registers and never sends a heartbeat delays nothing', async () => {
  const { secret: as } = await broker.createMasterKey({ permissions: ['keys:verify:embedded'] });
  for (let count = 0; count < 20; count++) await registerForLater(broker, { as });
  const answers = await revokeFor(500);
  expect(new Set(answers.map(({ propagation }) => propagation))).toEqual(new Set(['complete']));
});

test('403: with keys:verify alone there is no lease to be had', async () => {
  const { secret: as } = await broker.createMasterKey({ permissions: ['keys:verify'] });
  expect((await broker.call(`POST ${verifiersPath}`, { as })).status).toBe(403);
});
