import { spawn } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { mint, verify } from '../support/keys.ts';
import { launcher } from './flowplate.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

let env: Record<string, string>;
beforeAll(() => {
  env = { FLOWPLATE_MASTER_KEY: broker().masterKey };
});

/** A command that goes on until it is killed, and what it has printed. */
function start(args: readonly string[]): () => string {
  const child = spawn(process.execPath, [launcher, ...args], { env: desk().env });
  atEnd(() => child.kill('SIGKILL'));
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (printed += piece));
  return () => printed;
}

describe('keys of users', () => {
  test('a key is disabled at once, and enabled again', async () => {
    const { key, key_id } = await mint(broker());
    const disabled = await desk().run(['keys', 'disable', key_id], { env });
    expect(disabled.stdout).toMatch(
      new RegExp(`^Disabled key: ${key_id} \\(user: \\S+, organization: \\S+, propagation: complete\\)\n$`),
    );
    expect((await verify(broker(), key)).code).toBe('DISABLED');
    expect((await desk().run(['keys', 'enable', key_id], { env })).stdout).toContain('Enabled key');
    expect((await verify(broker(), key)).code).toBe('VALID');
  });

  test('settings are changed and taken away', async () => {
    const { key_id } = await mint(broker());
    const update = (...args: string[]) => desk().json(['keys', 'update', key_id, ...args], { env });
    const changes = ['--name', 'x', '--scopes', 'a,b', '--quota', '5/day', '--rate-limit', '3/60'];
    expect(await update(...changes, '--ips', '10.0.0.0/8', '--metadata', '{"a":1}')).toMatchObject({
      ...{ name: 'x', scopes: ['a', 'b'], metadata: { a: 1 }, ip_allowlist: ['10.0.0.0/8'] },
      ...{ quota: { limit: 5, period: 'day' }, rate_limit: { limit: 3, window_seconds: 60 } },
    });
    expect(await update('--clear', 'name,quota,rate_limit,ip_allowlist', '--scopes', '')).toMatchObject({
      ...{ name: null, scopes: [], ip_allowlist: null, quota: null, rate_limit: null, metadata: { a: 1 } },
    });
  });

  test.each([
    [[], 'name what to change'],
    [['--clear', 'scopes'], 'It must be of name, expires_at'],
    [['--name', 'x', '--clear', 'name'], 'but not both'],
  ])('an update with %j is wrong use', async (args, said) => {
    const { stderr, exitCode } = await desk().run(['keys', 'update', 'flk_x', ...args], { env });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(said)]);
  });
});

describe('ended API keys', () => {
  test('are hidden unless asked for, and then their status is shown', async () => {
    const create = async (name: string) => (await desk().json(['apikey', 'create', name, '--platform'])).id;
    const [living, ended] = [await create('living'), await create('ended')];
    await desk().run(['apikey', 'revoke', ended]);
    const list = async (...args: string[]) => (await desk().run(['apikey', 'list', ...args])).stdout;
    expect(await list()).toContain(living);
    expect(await list()).not.toContain(ended);
    expect(await list()).not.toContain('STATUS');
    const all = await list('--all');
    expect(all).toMatch(/EXPIRES +STATUS$/m);
    expect(all).toMatch(new RegExp(`^${ended} .* revoked$`, 'm'));
    expect(all).toMatch(new RegExp(`^${living} .* active$`, 'm'));
    expect(await list('--status', 'revoked')).toMatch(new RegExp(`^${ended} .* revoked$`, 'm'));
    const { data } = await desk().json(['apikey', 'list']);
    expect(data.map(({ status }: { status: string }) => status)).not.toContain('revoked');
  });

  test('an empty list says how to see more', async () => {
    const { stderr } = await desk().run(['apikey', 'list', '--name', 'nothing is called this']);
    expect(stderr).toBe('No active keys. --all shows ended ones too\n');
  });

  test('the usage of one is shown over time', async () => {
    const [{ id }] = (await desk().json(['apikey', 'list'])).data;
    expect((await desk().run(['apikey', 'usage', id])).stdout).toMatch(
      /^START +REQUESTS +REFUSED +COST\n|^Total: \d+ requests, \d+ refused, cost \d+\n$/m,
    );
  });
});

describe('what happens now', () => {
  test('traffic over time, and the busiest of a day', async () => {
    const { key } = await mint(broker());
    await verify(broker(), key);
    await broker().settleUsage();
    expect((await desk().run(['platform', 'traffic'])).stdout).toMatch(
      /^START +REQUESTS +REFUSED\n[\s\S]*\nTotal: [1-9]\d* requests, \d+ refused\n$/,
    );
    const { stdout } = await desk().run(['platform', 'traffic', 'top', '--limit', '3']);
    expect(stdout).toMatch(/^TENANT +NAME +REQUESTS +REFUSED\n[\s\S]*\n\nKEY +NAME +KIND +ORGANIZATION/);
    expect((await desk().json(['platform', 'traffic', 'top'])).keys.length).toBeGreaterThan(0);
  });

  test('verifiers with their leases, again and again with --watch', async () => {
    const once = (await desk().run(['platform', 'verifiers'])).stdout;
    expect(once).toMatch(/^ID +KIND +MASTER KEY +STATE +LEASE LEFT +BEHIND +BEHIND FOR +STARTED\n/);
    expect(once).toMatch(/\n1 live, 0 lapsed; newest change: \d+\n$/);
    const printed = start(['platform', 'verifiers', '--watch']);
    await eventually(20_000, printed, (text) => (text.match(/1 live/g) ?? []).length >= 2);
  });

  test('queues', async () => {
    expect((await desk().run(['platform', 'queues'])).stdout).toMatch(
      /^Jobs: \d+ waiting, \d+ active, \d+ scheduled, \d+ failed\nLast completed: /,
    );
  });

  test('audit events are watched: each once, oldest first, and none from before', async () => {
    await desk().json(['platform', 'tenants', 'provision', '--name', 'before']);
    const printed = start(['platform', 'audit', '--watch', '--json', '--event-type', 'organization.created']);
    await eventually(20_000, printed, (text) => text.includes('Waiting for new events'));
    const ids: string[] = [];
    for (const name of ['first', 'second']) {
      ids.push((await desk().json(['platform', 'tenants', 'provision', '--name', name])).id);
    }
    const targets = () =>
      printed()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line).target_id);
    await eventually(20_000, targets, (seen) => seen.length >= 2);
    expect(targets()).toEqual(ids);
  });

  test('one master key, and one platform user', async () => {
    const { id } = await broker().createMasterKey({ name: 'looked at' });
    expect((await desk().run(['masterkeys', 'get', id])).stdout).toMatch(new RegExp(`\n${id} +looked at `));
    const user = ['--email', 'looked@example.com', '--name', 'Looked At', '--password-stdin'];
    const stdin = 'seven purple otters 3042';
    const made = await desk().json(['platform', 'users', 'create', ...user], { stdin });
    expect(await desk().json(['platform', 'users', 'get', made.id])).toMatchObject({ name: 'Looked At' });
  });
});
