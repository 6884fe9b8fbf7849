import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyFlushes } from '../../../src/stores/postgres/usage/flushes.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { testOperatorAccess } from '../../support/platform-access.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { usageFlush, usageMark } from '../../support/usage.ts';

const path = '/api/v1/platform/usage';

let broker: TestBroker;
let headers: Record<string, string>;
beforeAll(async () => {
  broker = await startBroker();
  headers = (await platformKey(broker)).headers;
});
afterAll(() => broker.close());

const call = (query: string) => broker.call(`GET ${path}${query}`, { as: null, headers });

async function counted(lineageId: string, at: string, calls: number, code: 'VALID' | 'EXPIRED' = 'VALID') {
  await applyFlushes(broker.db, [usageFlush(usageMark(lineageId, at, { calls, code }))]);
}

testOperatorAccess(() => broker, `GET ${path}`, { may: 'role_platform_viewer' });

test.each([
  ['from', '?from=2026-01-02&to=2026-01-01'],
  ['from', '?from=2026-01-01&to=2026-04-03'],
  ['limit', '?limit=101'],
  ['organization_id', '?organization_id=a%20b'],
])('422: %s is refused in %s', async (blamed, query) => {
  expectViolations(await call(query), blamed);
});

test('the most used tenants come first, with their days, beside all tenants together', async () => {
  const [busy, quiet] = [await tenantKey(broker, 'org_busy'), await tenantKey(broker, 'org_quiet')];
  await counted(busy.id, '2026-03-01T10:00:00Z', 5);
  await counted(busy.id, '2026-03-03T23:59:59Z', 7);
  await counted(busy.id, '2026-03-03T23:59:59Z', 2, 'EXPIRED');
  await counted(quiet.id, '2026-03-01T00:00:00Z', 3);
  await counted(quiet.id, '2026-03-04T00:00:00Z', 100);
  const range = '?from=2026-03-01&to=2026-03-03';
  const { body } = await call(range);
  expect(body).toEqual({
    from: '2026-03-01T00:00:00.000Z',
    to: '2026-03-04T00:00:00.000Z',
    tenants: [
      {
        ...{ id: 'org_busy', name: 'org_busy', requests: 12, refused: 2 },
        days: [
          { day: '2026-03-01', requests: 5, refused: 0 },
          { day: '2026-03-03', requests: 7, refused: 2 },
        ],
      },
      {
        ...{ id: 'org_quiet', name: 'org_quiet', requests: 3, refused: 0 },
        days: [{ day: '2026-03-01', requests: 3, refused: 0 }],
      },
    ],
    all: [
      { day: '2026-03-01', requests: 8, refused: 0 },
      { day: '2026-03-03', requests: 7, refused: 2 },
    ],
  });
  const first = (await call(`${range}&limit=1`)).body;
  expect(first.tenants).toEqual(body.tenants.slice(0, 1));
  expect(first.all).toEqual(body.all);
  const one = (await call(`${range}&organization_id=org_quiet`)).body;
  expect(one.tenants).toEqual(body.tenants.slice(1));
  expect(one.all).toEqual(body.tenants[1].days);
});
