import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callAs, type Headers } from '../../support/api-keys.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { append, revisionOf } from '../../support/feed.ts';
import { testOperatorAccess } from '../../support/platform-access.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { register } from './verifier-calls.ts';

const path = '/api/v1/platform/verifiers';

let broker: TestBroker;
let headers: Headers;
beforeAll(async () => {
  broker = await startBroker();
  headers = (await platformKey(broker)).headers;
});
afterAll(() => broker.close());

async function fleet() {
  const { status, body } = await callAs(broker, headers, `GET ${path}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

testOperatorAccess(() => broker, `GET ${path}`, { may: 'role_platform_viewer' });

test('422: a query is refused', async () => {
  expectViolations(await callAs(broker, headers, `GET ${path}?limit=1`), '');
});

test('a process of the API and one in a gateway each hold a lease, and know all of the feed', async () => {
  const embedded = await register(broker);
  const caughtUp = await eventually(5_000, fleet, ({ data }) =>
    data.every(({ behind }: { behind: number }) => behind === 0),
  );
  expect(caughtUp).toMatchObject({ live: 2, lapsed: 0 });
  const byKind = Object.fromEntries(caughtUp.data.map((row: { kind: string }) => [row.kind, row]));
  expect(byKind.embedded).toMatchObject({
    id: embedded.verifier_id,
    master_key_id: embedded.master_key_id,
    state: 'live',
    applied_seq: embedded.applied_seq,
    reports_scopes: false,
  });
  expect(byKind.api).toMatchObject({
    master_key_id: null,
    state: 'live',
    applied_seq: caughtUp.head_seq,
    reports_scopes: true,
  });
  for (const { lease_until, lease_left_ms } of caughtUp.data) {
    expect(Date.parse(lease_until)).toBeGreaterThan(Date.now());
    expect(lease_left_ms).toBeGreaterThan(0);
    expect(lease_left_ms).toBeLessThanOrEqual(broker.config.LEASE_MS);
  }
});

test('one that has not applied what was appended is behind by that much, and comes first', async () => {
  const embedded = await register(broker);
  await append(broker.db, revisionOf('flk_one', 1));
  await append(broker.db, revisionOf('flk_two', 1));
  const { head_seq, data } = await eventually(5_000, fleet, (seen) =>
    seen.data.some((row: { kind: string; behind: number }) => row.kind === 'api' && row.behind === 0),
  );
  expect(head_seq).toBeGreaterThanOrEqual(embedded.applied_seq + 2);
  const row = data.find(({ id }: { id: string }) => id === embedded.verifier_id);
  expect(row.behind).toBe(head_seq - embedded.applied_seq);
  expect(data[0].behind).toBeGreaterThanOrEqual(row.behind);
});

test('one that was silent for too long has lapsed, and comes last', async () => {
  const embedded = await register(broker);
  await sql`UPDATE verifiers SET lease_until = clock_timestamp() - interval '1 minute'
    WHERE id = ${embedded.verifier_id}`.execute(broker.db);
  const { live, lapsed, data } = await fleet();
  expect(data.at(-1)).toMatchObject({ id: embedded.verifier_id, state: 'lapsed' });
  expect(data.at(-1).lease_left_ms).toBeLessThanOrEqual(-60_000);
  expect([live, lapsed]).toEqual([data.length - 1, 1]);
});
