import { expect, test } from 'vitest';
import { goodPassword, logIn, tryLogIn } from '../support/platform-users.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

async function create(email: string, ...more: string[]): Promise<string> {
  const args = ['platform', 'users', 'create', '--email', email, '--name', 'Ops User', '--password-stdin'];
  const { stdout } = await desk().run([...args, ...more], { stdin: `${goodPassword}\n` });
  return /^Created platform user: \S+ \(id: (puser_[0-9A-Za-z]+)\)\n$/.exec(stdout)?.[1] ?? stdout;
}

test('a platform user is created with a password from stdin and with roles, and listed as the seed prints it', async () => {
  const id = await create('ops@example.com', '--role-ids', 'role_platform_admin');
  expect(id).toMatch(/^puser_/);
  const { stdout } = await desk().run(['platform', 'users', 'list']);
  const [title, line] = stdout.split('\n').map((text) => text.split(/ {2,}/));
  expect(title).toEqual(['ID', 'EMAIL', 'NAME', 'ACTIVE']);
  expect(line).toEqual([id, 'ops@example.com', 'Ops User', 'true']);
  expect((await logIn(broker(), 'ops@example.com')).id).toBe(id);
});

test('the list is sorted by the server, and all of its pages follow one another', async () => {
  for (const name of ['m', 'z', 'a']) await create(`${name}-sorted@example.com`);
  const emails = async (...order: string[]) => {
    const list = ['platform', 'users', 'list', '--search', '-sorted@', '--limit', '2', '--all', ...order];
    return (await desk().json(list)).map((user: { email: string }) => user.email[0]).join('');
  };
  expect(await emails()).toBe('azm');
  expect(await emails('--sort', 'email')).toBe('amz');
  expect(await emails('--sort', 'email', '--order', 'desc')).toBe('zma');
});

test('what is named changes, and nothing else; a deactivated user cannot log in', async () => {
  const id = await create('later@example.com', '--role-ids', 'role_platform_viewer');
  const renamed = await desk().run(['platform', 'users', 'update', id, '--name', 'Operations Lead']);
  expect(renamed.stdout).toBe(`Updated platform user: later@example.com (id: ${id})\n`);
  const user = await desk().json(['platform', 'users', 'update', id, '--active', 'false']);
  expect(user).toMatchObject({
    name: 'Operations Lead',
    is_active: false,
    role_ids: ['role_platform_viewer'],
  });
  expect((await tryLogIn(broker(), 'later@example.com')).status).toBeGreaterThanOrEqual(400);
});

test("another operator's password is reset, and a user is deleted for good", async () => {
  const id = await create('gone@example.com');
  const changed = `${goodPassword} anew`;
  const reset = ['platform', 'users', 'reset-password', id, '--password-stdin'];
  expect((await desk().run(reset, { stdin: changed })).stdout).toBe(
    `Reset the password of platform user: ${id}\n`,
  );
  await logIn(broker(), 'gone@example.com', changed);
  const deleted = await desk().run(['platform', 'users', 'delete', id]);
  expect(deleted.stdout).toBe(`Deleted platform user: ${id}\n`);
  const again = await desk().run(['platform', 'users', 'delete', id]);
  expect(again).toMatchObject({ stdout: '', exitCode: 1 });
  expect(again.stderr).toContain('USER_NOT_FOUND');
});

test('roles are created, changed, listed and deleted', async () => {
  const args = ['platform', 'roles', 'create', '--name', 'auditor', '--permissions', 'platform:audit:read'];
  const role = await desk().json(args);
  expect(role).toMatchObject({ name: 'auditor', permissions: ['platform:audit:read'], built_in: false });
  const more = ['--permissions', 'platform:audit:read,platform:tenants:read'];
  const updated = await desk().json(['platform', 'roles', 'update', role.id, ...more]);
  expect(updated.permissions).toEqual(['platform:audit:read', 'platform:tenants:read']);
  const { stdout } = await desk().run(['platform', 'roles', 'list']);
  expect(stdout).toMatch(/^ID +NAME +BUILT IN +PERMISSIONS\n/);
  expect(stdout).toContain(role.id);
  const deleted = await desk().run(['platform', 'roles', 'delete', role.id]);
  expect(deleted.stdout).toBe(`Deleted role: ${role.id}\n`);
});
