import { afterAll, beforeAll, expect, test } from 'vitest';
import type { UsageMark } from '../../src/domain/usage.ts';
import { toReports } from '../../src/sdk/usage-report.ts';
import { listUsageTotals } from '../../src/stores/postgres/usage/usage.ts';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { getKey, type Minted, mint } from '../support/keys.ts';
import { tenantKey } from '../support/platform-callers.ts';
import { usageFlush } from '../support/usage.ts';
import { embed } from './embedded.ts';
import { newLink } from './link.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

async function usageOf(keyId: string) {
  await broker.settleUsage();
  return (await getKey(broker, keyId)).body.usage;
}

test('what is decided in two gateways and at the broker is counted, each call once', async () => {
  const [one, other] = [await embed(broker), await embed(broker)];
  const { key, key_id } = await mint(broker, { scopes: ['read'] });
  for (const verifier of [one, other]) await verifier.verify({ key });
  for (let call = 0; call < 500; call++) {
    expect(one.verifyNow({ key })?.code).toBe('VALID');
    expect(other.verifyNow({ key, scopes: ['write'] })?.code).toBe('INSUFFICIENT_SCOPE');
  }
  await one.close();
  await other.close();
  expect(await usageOf(key_id)).toMatchObject({ total_requests: 502, refused_requests: 500 });
});

test('a key of a tenant that is decided in a gateway is counted beside the hidden ones', async () => {
  const verifier = await embed(broker);
  const tenant = await tenantKey(broker, 'org_gateway');
  const { key, key_id } = await mint(broker);
  for (const secret of [tenant.secret, key]) {
    await verifier.verify({ key: secret });
    for (let call = 0; call < 10; call++) expect(verifier.verifyNow({ key: secret })?.code).toBe('VALID');
  }
  await verifier.close();
  expect((await usageOf(key_id)).total_requests).toBe(11);
  const totals = await listUsageTotals(broker.db, [tenant.id], new Date());
  expect(totals.get(tenant.id)?.accepted).toBe(11);
});

test('a gateway that ends hands its counts over before it gives its lease back', async () => {
  const link = newLink();
  const sent: string[] = [];
  const verifier = await embed(broker, {
    fetch: (input, init) => {
      sent.push(`${init?.method} ${String(input).split('/').at(-1)}`);
      return link.fetch(input, init);
    },
  });
  const { key, key_id } = await mint(broker);
  await verifier.verify({ key });
  for (let call = 0; call < 5; call++) verifier.verifyNow({ key });
  const ended = verifier.close();
  expect(verifier.verifyNow({ key })?.code).toBe('VALID');
  await ended;
  expect(sent.at(-1)).toMatch(/^DELETE /);
  expect(sent.at(-2)).toBe('POST usage');
  expect(verifier.verifyNow({ key })).toBeUndefined();
  expect((await usageOf(key_id)).total_requests).toBe(7);
});

test('a report whose answer is lost is repeated and counts once', async () => {
  const link = newLink();
  const verifier = await embed(broker, { fetch: link.fetch });
  const { key, key_id } = await mint(broker);
  link.loseAnswers('/usage', 4);
  await verifier.verify({ key });
  for (let call = 0; call < 100; call++) verifier.verifyNow({ key });
  await eventually(
    10_000,
    () => link.asked('/usage'),
    (count) => count >= 5,
  );
  for (let call = 0; call < 100; call++) verifier.verifyNow({ key });
  await verifier.close();
  expect(link.asked('/usage')).toBeGreaterThanOrEqual(6);
  expect((await usageOf(key_id)).total_requests).toBe(201);
});

test('what could not be reported while the broker was away is reported when it is back', async () => {
  const link = newLink();
  const verifier = await embed(broker, { fetch: link.fetch });
  const { key, key_id } = await mint(broker);
  await verifier.verify({ key });
  link.cut();
  for (let call = 0; call < 50; call++) expect(verifier.verifyNow({ key })?.code).toBe('VALID');
  await eventually(
    10_000,
    () => verifier.faults.length,
    (count) => count > 2,
  );
  link.mend();
  await verifier.close();
  expect((await usageOf(key_id)).total_requests).toBe(51);
});

test('the calls of more keys than one report holds are all counted', async () => {
  const verifier = await embed(broker);
  const minted: Minted[] = [];
  while (minted.length < 900) {
    minted.push(...(await Promise.all(Array.from({ length: 10 }, () => mint(broker)))));
  }
  for (const { key } of minted) await verifier.verify({ key });
  for (const { key } of minted) expect(verifier.verifyNow({ key })?.code).toBe('VALID');
  await verifier.close();
  await broker.settleUsage();
  const totals = await broker.db.selectFrom('usage_totals').select(['lineage_id', 'accepted']).execute();
  const accepted = new Map(totals.map((row) => [row.lineage_id, row.accepted]));
  expect(minted.map(({ key_id }) => accepted.get(key_id))).toEqual(minted.map(() => 2));
});

test('the parts of a flush bear the same ids each time, no two the same, and each fits into a body', () => {
  const codes = ['VALID', 'INSUFFICIENT_SCOPE', 'ORGANIZATION_SUSPENDED'] as const;
  const marks = Array.from({ length: 3_001 }, (_, index): UsageMark => {
    const minuteMs = (29_000_000 + (index % 40)) * 60_000;
    const times = { minuteMs, firstAtMs: minuteMs + index, lastAtMs: minuteMs + 59_999 };
    const lineageId = `flk_${String(index).padStart(22, '0')}`;
    return { lineageId, code: codes[index % 3] ?? 'VALID', calls: 1e12, cost: 1e12, ...times };
  });
  const flush = usageFlush(...marks);
  const [once, again] = [toReports(flush), toReports(flush)];
  expect(once).toEqual(again);
  const sent = once.flatMap(({ sums }) => sums.flatMap(({ lines }) => lines.map(([lineageId]) => lineageId)));
  expect(sent.toSorted()).toEqual(marks.map(({ lineageId }) => lineageId));
  expect(new Set(once.map(({ id }) => id)).size).toBe(once.length);
  for (const { id, sums } of once) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(JSON.stringify({ flush_id: id, sums }).length).toBeLessThan(65_536);
  }
});
