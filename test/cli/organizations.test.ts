import { expect, test } from 'vitest';
import { tenantKey } from '../support/platform-callers.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

test('a suspended tenant has its keys refused until it is resumed, a deleted one for good', async () => {
  const { secret } = await tenantKey(broker(), 'org_acme');
  const headers = { authorization: `Bearer ${secret}` };
  const status = async () => (await broker().call('GET /api/v1/apikeys', { as: null, headers })).status;
  const tenants = (...args: string[]) => desk().run(['platform', 'tenants', ...args, 'org_acme']);

  const suspended = await tenants('suspend');
  expect(suspended.stdout).toBe('Suspended tenant: org_acme (id: org_acme; propagation: complete)\n');
  expect(await status()).toBe(403);
  expect((await tenants('get')).stdout).toMatch(/^org_acme \(id: org_acme\): suspended, created \S+\n$/);

  const resumed = await tenants('resume');
  expect(resumed.stdout).toBe('Resumed tenant: org_acme (id: org_acme; propagation: complete)\n');
  expect(await status()).toBe(200);

  const renamed = await tenants('rename', '--name', 'Acme Inc');
  expect(renamed.stdout).toBe('Renamed tenant: Acme Inc (id: org_acme)\n');

  expect((await tenants('delete')).stdout).toBe('Deleted tenant: org_acme (propagation: complete)\n');
  expect(await status()).not.toBe(200);
});

test('the four figures of the platform', async () => {
  const { stdout } = await desk().run(['platform', 'stats']);
  expect(stdout).toMatch(/^Total keys: \d+\nActive keys: \d+\nExpired keys: \d+\nAPI calls today: \d+\n$/);
});
