import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { KeyedQueue } from '../../../src/concurrency/keyed-queue.ts';
import { CallBudgets } from '../../../src/domain/call-budgets.ts';
import type { MasterKeyPrincipal } from '../../../src/domain/principal.ts';
import { KnownLines } from '../../../src/usecases/verifiers/known-lines.ts';
import { KnownReporters } from '../../../src/usecases/verifiers/known-reporters.ts';
import { reportUsage } from '../../../src/usecases/verifiers/report-usage.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { usageFlush, usageMark } from '../../support/usage.ts';

const stores = await openStores();
afterAll(() => stores.close());

const now = new Date().toISOString();

async function newReporter() {
  const [verifierId, masterKeyId] = [randomUUID(), randomUUID()];
  await query(
    stores.databaseUrl,
    `INSERT INTO verifiers (id, applied_seq, lease_until, master_key_id) VALUES ($1, 0, now() + interval '1 minute', $2)`,
    [verifierId, masterKeyId],
  );
  const principal: MasterKeyPrincipal = {
    kind: 'master_key',
    id: masterKeyId,
    name: 'gateway',
    organizationIds: null,
    environments: null,
    permissions: ['keys:verify:embedded'],
  };
  return { verifierId, principal };
}

test('a flood of reports by one master key holds up its own, and no other’s', async () => {
  const slow = stores.observed((_text, run) => sleep(20).then(run), { connectionsMax: 1 });
  const parts = {
    reporters: new KnownReporters(slow),
    lines: new KnownLines(slow),
    budgets: new CallBudgets(),
    turns: new KeyedQueue(),
    deliverUsage: () => Promise.resolve(),
    noteSuperseded: () => undefined,
    onLeftOut: () => undefined,
  };
  const [hostile, honest] = [await newReporter(), await newReporter()];
  const report = ({ verifierId, principal }: typeof hostile) =>
    reportUsage(parts, principal, {
      verifierId,
      flush: usageFlush(usageMark('flk_1', now)),
      nowMs: Date.now(),
    });
  let answered = 0;
  const flood = Array.from({ length: 40 }, () =>
    report(hostile).then(() => {
      answered += 1;
    }),
  );
  await report(honest);
  expect(answered).toBeLessThan(5);
  await Promise.all(flood);
});
