import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../../scripts/services/run-command.ts';
import { runStart, threeFreePorts } from '../support/run-start.ts';
import { serverDirectory } from '../support/temporary-directory.ts';

const curlExists = existsSync('/usr/bin/curl');

test.runIf(curlExists)(
  'the three pasted lines mint, verify and revoke; a second start keeps the data',
  async () => {
    const dataDir = join(await serverDirectory(), 'data');
    const port = String(await threeFreePorts());
    const first = runStart('--port', port, '--data-dir', dataDir);
    await first.ready;
    const lines = curlLines(first.said().stdout);
    const [minted = '', verified = '', revoked = ''] = await paste(lines);
    expect(JSON.parse(minted)).toMatchObject({ user_id: 'alice', organization_id: 'acme' });
    expect(JSON.parse(verified)).toMatchObject({ valid: true, code: 'VALID' });
    expect(JSON.parse(revoked)).toMatchObject({ success: true, revoked_count: 1, propagation: 'complete' });
    const [command, tenantKey = ''] =
      /^FLOWPLATE_API_KEY="(flkey_\w+)" npx flowplate .*platform create-admin .*$/m.exec(
        first.said().stdout,
      ) ?? [];
    expect(command).toContain(`--server http://127.0.0.1:${port}`);
    const environments = await fetch(`http://127.0.0.1:${port}/api/v1/environments`, {
      headers: { authorization: `Bearer ${tenantKey}` },
    });
    expect(await environments.json()).toMatchObject({ data: [{ name: 'default' }] });
    first.child.kill('SIGTERM');
    expect(await first.exited).toMatchObject({ code: 0 });

    const masterKey = /fl_master_\w+/.exec(first.said().stdout)?.[0] ?? '';
    const second = runStart('--port', port, '--data-dir', dataDir);
    await second.ready;
    expect(second.said().stdout).not.toMatch(/fl_master_|flkey_/);
    const [again = ''] = await paste(curlLines(second.said().stdout), { FLOWPLATE_MASTER_KEY: masterKey });
    expect(JSON.parse(again)).toMatchObject({ user_id: 'alice', organization_id: 'acme' });
    const listed = await fetch(`http://127.0.0.1:${port}/v1/flowplate/api-keys?user_id=alice`, {
      headers: { 'x-flowplate-master-key': masterKey },
    });
    const { data } = (await listed.json()) as { data: { key_id: string }[] };
    expect(data.map((key) => key.key_id)).toContain((JSON.parse(minted) as { key_id: string }).key_id);
  },
);

test('secrets are readable by their owner only, and their loss is not papered over', async () => {
  const dataDir = join(await serverDirectory(), 'data');
  const port = String(await threeFreePorts());
  const first = runStart('--port', port, '--data-dir', dataDir);
  await first.ready;
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  for (const file of [
    'secrets.env',
    'postgres.password',
    'postgres.log',
    'redis/redis.conf',
    'redis/redis.password',
  ]) {
    expect((await stat(join(dataDir, file))).mode & 0o777, file).toBe(0o600);
  }
  first.child.kill('SIGINT');
  expect(await first.exited).toMatchObject({ code: 0 });

  await rm(join(dataDir, 'secrets.env'));
  const second = runStart('--port', port, '--data-dir', dataDir);
  expect(await second.exited).toMatchObject({ code: 1 });
  expect(second.said().stderr).toContain('secrets.env is gone');
});

test('a second start on the same data directory is refused in one sentence, and the first goes on', async () => {
  const dataDir = join(await serverDirectory(), 'data');
  const port = await threeFreePorts();
  const first = runStart('--port', String(port), '--data-dir', dataDir);
  await first.ready;

  const second = runStart('--port', String(await threeFreePorts()), '--data-dir', dataDir);
  expect(await second.exited).toMatchObject({ code: 1 });
  expect(second.said().stderr).toBe(
    `${dataDir} is in use by another start (process ${first.child.pid}): stop it, or choose another directory with --data-dir.\n`,
  );
  expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200);
});

test.runIf(process.platform === 'linux')(
  'when a child dies, it is named, the rest is stopped and the exit code is 1',
  async () => {
    const dataDir = join(await serverDirectory(), 'data');
    const start = runStart('--port', String(await threeFreePorts()), '--data-dir', dataDir);
    await start.ready;
    const pids = await childrenOf(start.child.pid);
    expect(pids).toHaveLength(4);
    const redis = Number(await readFile(join(dataDir, 'redis', 'redis.pid'), 'utf8'));
    process.kill(redis, 'SIGKILL');

    expect(await start.exited).toMatchObject({ code: 1 });
    expect(start.said().stderr).toContain('Redis ended unexpectedly (signal SIGKILL); stopping the rest.');
    for (const pid of pids) expect(existsSync(`/proc/${pid}`)).toBe(false);
  },
);

test('a taken port is named before anything is started', async () => {
  const blocker = createServer();
  const port = await threeFreePorts();
  await new Promise<void>((resolve) => blocker.listen(port, '127.0.0.1', resolve));
  const dataDir = join(await serverDirectory(), 'data');
  const start = runStart('--port', String(port), '--data-dir', dataDir);
  expect(await start.exited).toMatchObject({ code: 1 });
  expect(start.said().stderr).toBe(`Port ${port} is taken: choose another one for the API with --port.\n`);
  expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
  blocker.close();
});

test("a directory that holds other files is nobody's data directory", async () => {
  const dataDir = join(await serverDirectory(), 'home');
  await mkdir(dataDir);
  await writeFile(join(dataDir, 'letter.txt'), 'mine');
  const start = runStart('--data-dir', dataDir);
  expect(await start.exited).toMatchObject({ code: 1 });
  expect(start.said().stderr).toContain('holds other files');
});

test.each([['--port', 'x'], ['--port', '70000'], ['--colour'], ['now']])(
  'wrong use ends with 2: %s %s',
  async (...args) => {
    const start = runStart(...args);
    expect(await start.exited).toMatchObject({ code: 2 });
    expect(start.said().stderr).toContain('scripts/start --help');
  },
);

function curlLines(stdout: string): string[] {
  return stdout.split('\n').filter((line) => line.includes('curl '));
}

async function paste(lines: string[], env: Record<string, string> = {}): Promise<string[]> {
  expect(lines).toHaveLength(3);
  const { stdout, stderr } = await runCommand(['sh', '-c', lines.join('\n')], {
    env: { ...process.env, ...env },
  });
  expect(stderr).toBe('');
  return stdout.trimEnd().split('\n');
}

async function childrenOf(pid: number | undefined): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').map(Number);
}
