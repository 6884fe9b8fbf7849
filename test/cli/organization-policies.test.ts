import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { mint } from '../support/keys.ts';
import { organization, tenantKey } from '../support/platform-callers.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

const id = 'org_governed';
const policy = (...args: string[]) => desk().run(['orgs', 'policy', ...args]);

async function file(text: string): Promise<string> {
  const path = join(await temporaryDirectory(), 'policy.json');
  await writeFile(path, text);
  return path;
}

beforeAll(() => organization(broker(), id));

test('a policy is set from a file, shown, reported on and cleared', async () => {
  expect((await policy('show', id)).stdout).toBe('No policy: everything is allowed\n');
  const limited = await mint(broker(), {
    user_id: 'usr_limited',
    organization_id: id,
    rate_limit: { limit: 1, window_seconds: 1 },
  });
  const free = await mint(broker(), { user_id: 'usr_free', organization_id: id });
  const path = await file('{"rate_limit_max": {"limit": 5, "window_seconds": 1}}');

  const edited = await policy('report', id, '--from-file', path);
  expect(edited.stdout).toMatch(/^1 of 2 active keys break the policy\n {2}rate_limit_max: 1\nKEY ID /);
  expect(edited.stdout).toContain(free.key_id);
  expect(edited.stdout).not.toContain(limited.key_id);
  expect((await policy('report', id)).stdout).toBe('0 of 0 active keys break the policy\n');

  expect((await policy('set', id, '--from-file', path)).stdout).toBe(`Set the policy of ${id}\n`);
  expect(JSON.parse((await policy('show', id)).stdout)).toEqual({
    rate_limit_max: { limit: 5, window_seconds: 1 },
  });
  const report = JSON.parse((await policy('report', id, '--json')).stdout);
  expect(report).toMatchObject({ examined: 2, non_compliant: 1, data: [{ key_id: free.key_id }] });

  expect((await policy('clear', id)).stdout).toBe(`Cleared the policy of ${id}\n`);
  expect((await policy('show', id)).stdout).toBe('No policy: everything is allowed\n');
});

test('a tenant key shows its own policy', async () => {
  await policy('set', id, '--from-file', await file('{"expiry_required": true}'));
  const { secret } = await tenantKey(broker(), id);
  const own = await desk().run(['orgs', 'policy', 'show'], { env: { FLOWPLATE_API_KEY: secret } });
  expect(JSON.parse(own.stdout)).toEqual({ expiry_required: true });
  const cleared = await desk().run(['orgs', 'policy', 'clear', id], { env: { FLOWPLATE_API_KEY: secret } });
  expect(cleared).toMatchObject({ exitCode: 1, stdout: '' });
  expect(JSON.parse((await policy('show', id)).stdout)).toEqual({ expiry_required: true });
});

test('a file that is none, or no JSON object, is wrong use; a document that is no policy is refused', async () => {
  expect(await policy('set', id, '--from-file', 'absent.json')).toMatchObject({ exitCode: 2 });
  expect(await policy('set', id, '--from-file', await file('[1]'))).toMatchObject({ exitCode: 2 });
  const refused = await policy('set', id, '--from-file', await file('{"ttl": 1}'));
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('unknown field `ttl`') });
});
