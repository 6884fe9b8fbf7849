import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FlowplateUndecidedError } from '../../src/sdk/errors.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { mint, revoke, revokeEverywhere } from '../support/keys.ts';
import { setStatus } from '../support/organization-status.ts';
import { codeOf, embedHoldingLease, warm } from './embedded.ts';
import { newLink } from './link.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ LEASE_MS: '3000' });
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

test('a record that was read before a revoke and lands after it says no, also to those who joined', async () => {
  const link = newLink();
  const verifier = await embedHoldingLease(broker, { fetch: link.fetch });
  const { key, key_id } = await mint(broker);
  const held = link.hold('/records');
  const first = codeOf(verifier, key);
  await held.reached;
  await revokeEverywhere(broker, key_id);
  const joined = codeOf(verifier, key);
  held.release();
  // Where a busy broker does not answer in time, the SDK decides nothing.
  const undecided = (error: unknown) => {
    expect(error).toBeInstanceOf(FlowplateUndecidedError);
    return 'undecided';
  };
  for (const code of await Promise.all([first, joined].map((code) => code.catch(undecided))))
    expect(['REVOKED', 'undecided']).toContain(code);
  expect(verifier.verifyNow({ key })?.valid ?? false).toBe(false);
});

test('a record that was read before its organization was suspended and lands after it says no', async () => {
  const link = newLink();
  const verifier = await embedHoldingLease(broker, { fetch: link.fetch });
  const { key, organization_id } = await mint(broker);
  const held = link.hold('/records');
  const code = codeOf(verifier, key);
  await held.reached;
  await setStatus(broker, organization_id, 'suspended');
  held.release();
  expect(await code).toBe('ORGANIZATION_SUSPENDED');
});

test('a look-up that began before its organization was resumed answers nobody who asks after that', async () => {
  const link = newLink();
  const verifier = await embedHoldingLease(broker, { fetch: link.fetch });
  const { key, organization_id } = await mint(broker);
  await setStatus(broker, organization_id, 'suspended');
  const held = link.hold('/records');
  const before = codeOf(verifier, key);
  await held.reached;
  await setStatus(broker, organization_id, 'active');
  const after = codeOf(verifier, key);
  held.release();
  expect(await after).toBe('VALID');
  expect(['ORGANIZATION_SUSPENDED', 'VALID']).toContain(await before);
});

test('a record that the broker cannot place in the feed is not kept, and the broker is asked each time', async () => {
  const asked: string[] = [];
  const unplaced: typeof fetch = async (input, init) => {
    asked.push(new URL(String(input)).pathname);
    const answer = await fetch(input, init);
    if (!String(input).endsWith('/records')) return answer;
    const { as_of_seq: _, ...record } = (await answer.json()) as { as_of_seq: number };
    return new Response(JSON.stringify(record));
  };
  const verifier = await embedHoldingLease(broker, { fetch: unplaced });
  const { key, key_id } = await mint(broker);
  for (let times = 0; times < 2; times++) {
    expect(await codeOf(verifier, key)).toBe('VALID');
    expect(verifier.verifyNow({ key })).toBeUndefined();
  }
  expect(asked.filter((path) => path.endsWith('/api-keys/verify'))).toHaveLength(2);
  await revoke(broker, key_id);
  expect(await codeOf(verifier, key)).toBe('REVOKED');
});

test('a broker that knows less than the verifier is not believed, however often it says so', async () => {
  const { key, key_id } = await mint(broker);
  const before = new Map<string, string>();
  let isStale = false;
  const replaying: typeof fetch = async (input, init) => {
    const kept = before.get(String(input));
    if (isStale && kept !== undefined) return new Response(kept);
    const answer = await fetch(input, init);
    if (String(input).endsWith('/records')) before.set(String(input), await answer.clone().text());
    return answer;
  };
  const verifier = await embedHoldingLease(broker, { fetch: replaying });
  expect(await codeOf(verifier, key)).toBe('VALID');
  await revoke(broker, key_id);
  isStale = true;
  await expect(verifier.verify({ key })).rejects.toThrow(FlowplateUndecidedError);
  isStale = false;
  expect(await codeOf(verifier, key)).toBe('REVOKED');
});

test('a verifier that was away uses its memory only when it has heard of every change, not of the first thousand', async () => {
  const link = newLink();
  const second = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let beatsSinceBack: number | undefined;
  const verifier = await embedHoldingLease(broker, {
    fetch: async (input, init) => {
      if (beatsSinceBack !== undefined && String(input).endsWith('/heartbeat')) {
        beatsSinceBack += 1;
        if (beatsSinceBack === 2) {
          second.resolve();
          await released.promise;
        }
      }
      return link.fetch(input, init);
    },
  });
  atEnd(() => released.resolve());
  const { key, key_id } = await mint(broker);
  expect(await warm(verifier, key)).toBe('VALID');
  link.cut();
  await eventually(
    10_000,
    () => verifier.isLeaseHeld(),
    (isHeld) => !isHeld,
  );
  await sql`INSERT INTO key_changes (kind, subject_id, revision)
    SELECT 'key', 'flk_' || number, 2 FROM generate_series(1, 1500) AS number`.execute(broker.db);
  // Asked again until the broker has read those rows, and the lease has ended there too.
  await eventually(
    10_000,
    async () => (await revoke(broker, key_id)).body.propagation,
    (propagation) => propagation === 'complete',
  );
  beatsSinceBack = 0;
  link.mend();
  // The first answer brought a thousand changes, and not the revoke: the lease lives again in
  // Postgres, but not here.
  await second.promise;
  expect(verifier.isLeaseHeld()).toBe(false);
  expect(verifier.verifyNow({ key })).toBeUndefined();
  released.resolve();
  await eventually(
    10_000,
    () => verifier.isLeaseHeld(),
    (isHeld) => isHeld,
  );
  expect(await codeOf(verifier, key)).toBe('REVOKED');
});
