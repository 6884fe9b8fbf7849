import { expect, test } from 'vitest';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

function secretIn(text: string): string {
  return /ey: (\S+)\n/.exec(text)?.[1] ?? '';
}

function idIn(text: string): string {
  return /\(id: (\S+?)\)/.exec(text)?.[1] ?? '';
}

async function statusWith(secret: string): Promise<number> {
  const headers = { authorization: `Bearer ${secret}` };
  return (await broker().call('GET /api/v1/apikeys', { as: null, headers })).status;
}

test('a platform key is created, listed, rotated and deleted as the seed prints it', async () => {
  const created = await desk().run(['apikey', 'create', 'my-ci-key', '--platform']);
  expect(created.stdout).toMatch(
    /^Created Platform Key: my-ci-key \(id: ak_[0-9A-Za-z]+\)\nKey: flplatform_[0-9A-Za-z]+\nSave this key — it will not be shown again\.\n$/,
  );
  const [id, secret] = [idIn(created.stdout), secretIn(created.stdout)];
  expect(await statusWith(secret)).toBe(200);

  const listed = await desk().run(['apikey', 'list', '--platform']);
  const [title, line] = listed.stdout.split('\n').map((text) => text.split(/ {2,}/));
  expect(title).toEqual(['ID', 'NAME', 'PREFIX', 'ROLES', 'CREATED', 'LAST USED', 'EXPIRES']);
  const prefix = secret.slice(0, 'flplatform_'.length + 8);
  expect(line?.slice(0, 4)).toEqual([id, 'my-ci-key', prefix, 'role_platform_admin']);
  expect(line?.[4]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(line?.[6]).toBe('never');
  expect(listed.stdout).not.toContain(secret);

  const rotated = await desk().run(['apikey', 'rotate', id]);
  expect(rotated.stdout).toMatch(
    /^Rotated API key: my-ci-key \(id: ak_[0-9A-Za-z]+\)\nNew key: flplatform_[0-9A-Za-z]+\nSave this key — it will not be shown again\.\n$/,
  );
  expect(idIn(rotated.stdout)).not.toBe(id);
  expect(await statusWith(secret)).toBe(401);
  expect(await statusWith(secretIn(rotated.stdout))).toBe(200);

  const deleted = await desk().run(['apikey', 'delete', idIn(rotated.stdout)]);
  expect(deleted.stdout).toBe(`Deleted API key: ${idIn(rotated.stdout)} (propagation: complete)\n`);
  expect(await statusWith(secretIn(rotated.stdout))).toBe(401);
});

test('inside a tenant an operator makes keys of the tenant; revoking one is at once and keeps it in the list', async () => {
  const { id: org } = await desk().json(['platform', 'tenants', 'provision', '--name', 'Acme Corp']);
  const args = ['apikey', 'create', 'svc', '--scopes', 'read,write', '--expires-at', '2999-01-01'];
  const created = await desk().run(['--as-org', org, ...args]);
  expect(created.stdout).toMatch(/^Created API Key: svc \(id: ak_[0-9A-Za-z]+\)\nKey: flkey_/);
  const id = idIn(created.stdout);

  const listed = await desk().run(['apikey', 'list', '--as-org', org]);
  const [title, line] = listed.stdout.split('\n').map((text) => text.split(/ {2,}/));
  expect(title?.[3]).toBe('SCOPES');
  expect([line?.[0], line?.[3], line?.[6]]).toEqual([id, 'read,write', '2999-01-02T00:00:00Z']);

  const revoked = await desk().run(['--as-org', org, 'apikey', 'revoke', id]);
  expect(revoked.stdout).toBe(`Revoked API key: ${id} (propagation: complete)\n`);
  expect(await statusWith(secretIn(created.stdout))).toBe(401);
  const { stdout } = await desk().run(['--as-org', org, 'apikey', 'get', id]);
  expect(stdout).toMatch(/^svc \(id: ak_\w+\): revoked, flkey_\w{8}…\w+, expires: 2999-01-02T00:00:00Z\n$/);
});

test('a tenant works with its own key, and sees only what is its own', async () => {
  const own = await tenantKey(broker(), 'org_self');
  const env = { FLOWPLATE_API_KEY: own.secret };
  await desk().run(['apikey', 'create', 'second'], { env });
  const { data } = await desk().json(['apikey', 'list'], { env });
  expect(data.map(({ organization_id }: { organization_id: string }) => organization_id)).toEqual([
    'org_self',
    'org_self',
  ]);
  const foreign = await platformKey(broker());
  expect((await desk().run(['apikey', 'get', foreign.id], { env })).stderr).toContain('KEY_NOT_FOUND');
});

test('who does not say in which organization is told how', async () => {
  for (const args of [
    ['apikey', 'create', 'x'],
    ['env', 'list'],
  ]) {
    const { stderr, exitCode } = await desk().run(args);
    expect([stderr, exitCode]).toEqual([
      'flowplate: say in which organization: add --as-org <organization_id>\n',
      2,
    ]);
  }
});

test('environments of a tenant are created, listed and deleted', async () => {
  const { id: org } = await desk().json(['platform', 'tenants', 'provision', '--name', 'With Environments']);
  const created = await desk().run(['--as-org', org, 'env', 'create', 'staging']);
  expect(created.stdout).toMatch(/^Created environment: staging \(id: env_\w+\)\n$/);
  const names = (await desk().json(['env', 'list', '--as-org', org])).data.map(
    ({ name }: { name: string }) => name,
  );
  expect(names).toEqual(['staging', 'default']);
  const deleted = await desk().run(['--as-org', org, 'env', 'delete', idIn(created.stdout)]);
  expect(deleted.stdout).toBe(`Deleted environment: ${idIn(created.stdout)}\n`);
});

test('why an operator goes into a tenant stands in the audit log', async () => {
  const { id: org } = await desk().json(['platform', 'tenants', 'provision', '--name', 'Looked At']);
  await desk().run(['--as-org', org, '--reason', 'ticket 42', 'env', 'list']);
  const [event] = await desk().json([
    ...['platform', 'audit', '--event-type', 'platform.impersonated', '--org', org],
  ]);
  expect(event).toMatchObject({ on_behalf_of: org, details: { reason: 'ticket 42' } });
});
