import { beforeAll, expect, test } from 'vitest';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

let env: Record<string, string>;
beforeAll(async () => {
  const { stdout } = await desk().run([
    ...['users', 'bootstrap', '--name', 'Admin Dashboard', '--email', 'admin@example.com'],
  ]);
  expect(stdout).toMatch(
    /^Created API admin: Admin Dashboard \(id: usr_\w+\)\nKey: flapi_\w+\nSave this key — it will not be shown again\.\n$/,
  );
  env = { FLOWPLATE_ADMIN_KEY: /flapi_\w+/.exec(stdout)?.[0] ?? '' };
});

test('the first API user is made once', async () => {
  const again = await desk().run(['users', 'bootstrap', '--name', 'Another']);
  expect(again).toMatchObject({ stdout: '', exitCode: 1 });
  expect(again.stderr).toContain('ALREADY_BOOTSTRAPPED');
});

test('an API user is created, changed, given a new key and deleted', async () => {
  const args = ['users', 'create', '--name', 'Mobile App', '--email', 'app@example.com', '--role', 'user'];
  const created = await desk().run(args, { env });
  expect(created.stdout).toMatch(
    /^Created API user: Mobile App \(id: usr_\w+\)\nKey: flapi_\w+\nSave this key/,
  );
  const id = /usr_\w+/.exec(created.stdout)?.[0] ?? '';

  const changes = ['--name', 'Updated Name', '--active', 'false'];
  expect(await desk().json(['users', 'update', id, ...changes], { env })).toMatchObject({
    user_id: id,
    name: 'Updated Name',
    is_active: false,
    role: 'user',
  });
  const rotated = await desk().run(['users', 'rotate-key', id], { env });
  expect(rotated.stdout).toMatch(
    new RegExp(`^Rotated the key of API user: ${id}\nNew key: flapi_\\w+\nSave this key`),
  );
  expect((await desk().run(['users', 'get', id], { env })).stdout).toContain('Updated Name');
  expect((await desk().run(['users', 'delete', id], { env })).stdout).toBe(`Deleted API user: ${id}\n`);
  expect((await desk().run(['users', 'get', id], { env })).stderr).toContain('USER_NOT_FOUND');
});

test('the list is a table for people, and a bare array with --json', async () => {
  const { stdout } = await desk().run(['users', 'list'], { env });
  expect(stdout).toMatch(/^ID +NAME +EMAIL +ROLE +ACTIVE +REQUESTS +LAST USED\nusr_\w+ +Admin Dashboard +/);
  const headers = { 'x-api-key': env.FLOWPLATE_ADMIN_KEY ?? '' };
  const { body } = await broker().call('GET /users', { as: null, headers });
  const printed = await desk().json(['users', 'list'], { env });
  expect(printed.map(({ user_id }: { user_id: string }) => user_id)).toEqual(
    body.map(({ user_id }: { user_id: string }) => user_id),
  );
});
