import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiKeysPath, callAs, created } from '../../support/api-keys.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { verify } from '../../support/keys.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

describe('422', () => {
  test.each([
    ['from', 'from=yesterday'],
    ['granularity', 'granularity=minute'],
    ['from', 'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z'],
    ['from', 'granularity=hour&from=2020-01-01T00:00:00Z'],
    ['', 'limit=5'],
  ])('%s is refused in ?%s', async (path, query) => {
    const tenant = await tenantKey(broker, 'org_wrong');
    const answer = await callAs(broker, tenant.headers, `GET ${apiKeysPath}/${tenant.id}/usage?${query}`);
    expectViolations(answer, path);
  });
});

test('accepted and refused verifications are counted by hour and by day, for tenant and for platform keys', async () => {
  const tenant = await tenantKey(broker, 'org_counted');
  const operator = await platformKey(broker);
  const { id, key } = await created(broker, tenant.headers);
  for (let call = 0; call < 3; call++) await verify(broker, key);
  await verify(broker, key, { scopes: ['more'] });
  await broker.settleUsage();
  for (const headers of [tenant.headers, operator.headers]) {
    for (const granularity of ['hour', 'day']) {
      const path = `${apiKeysPath}/${id}/usage?granularity=${granularity}`;
      const { status, body } = await callAs(broker, headers, `GET ${path}`);
      expect(status).toBe(200);
      const totals = { requests: 3, refused: 1, cost: 3, refusals: { INSUFFICIENT_SCOPE: 1 } };
      expect(body).toMatchObject({ key_id: id, granularity, totals });
      expect(body.data).toHaveLength(1);
    }
  }
  await broker.settleUsage();
  const own = await callAs(broker, operator.headers, `GET ${apiKeysPath}/${operator.id}/usage`);
  expect(own.body.totals.requests).toBeGreaterThan(0);
});
