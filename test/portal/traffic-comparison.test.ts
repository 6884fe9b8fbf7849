import { expect, test } from 'vitest';
import { applyFlushes } from '../../src/stores/postgres/usage/flushes.ts';
import { tenantKey } from '../support/platform-callers.ts';
import { usageFlush, usageMark } from '../support/usage.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

test('calls are compared with the day before, and with as many days before', async () => {
  const { id } = await tenantKey(broker, 'org_compared');
  const before = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  const count = (at: string, calls: number) =>
    applyFlushes(broker.db, [usageFlush(usageMark(id, at, { calls, code: 'VALID' }))]);
  await count(before(30), 1_000);
  await count(before(3), 1_500);
  const portal = await openAs(root.email, '/overview', 'Overview');
  const traffic = portal.page.getByRole('region', { name: 'Traffic and refusals' });
  await traffic
    .getByText('In the last 24 full hours 1,500 calls, 50% more than in the day before (1,000).')
    .waitFor();
  await traffic.getByText('Last 7 days').click();
  await traffic.getByText(/^In the last 7 full days [\d,]+ calls/).waitFor();
  expect(portal.page.url()).toContain('by=week');
  await portal.close();
});
