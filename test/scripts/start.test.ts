import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { quoted, writeShellSettings } from '../../scripts/launch/shell-settings.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { runCommand } from '../../scripts/services/run-command.ts';
import { runStart, threeFreePorts } from '../support/run-start.ts';
import { serverDirectory, temporaryDirectory } from '../support/temporary-directory.ts';

const curlExists = existsSync('/usr/bin/curl');

test.runIf(curlExists)(
  'the pasted lines mint, verify and revoke with no secret in them; a second start keeps data and keys',
  async () => {
    const dataDir = join(await serverDirectory(), "the broker's data");
    const port = String(await threeFreePorts());
    const first = runStart('--port', port, '--data-dir', dataDir);
    await first.ready;
    const lines = pastedLines(first.said().stdout);
    expect(lines.join('\n')).not.toMatch(/fl_master_|flkey_/);
    const [minted = '', verified = '', revoked = ''] = await paste(lines);
    expect(JSON.parse(minted)).toMatchObject({ user_id: 'alice', organization_id: 'acme' });
    expect(JSON.parse(verified)).toMatchObject({ valid: true, code: 'VALID' });
    expect(JSON.parse(revoked)).toMatchObject({ success: true, revoked_count: 1, propagation: 'complete' });
    const shown = /fl_master_\w+|flkey_\w+/g;
    const [masterKey = '', tenantKey = ''] = first.said().stdout.match(shown) ?? [];
    expect(await readFile(join(dataDir, 'shell.env'), 'utf8')).toBe(
      [
        `export FLOWPLATE_SERVER=http://127.0.0.1:${port}`,
        `export FLOWPLATE_MASTER_KEY=${masterKey}`,
        `export FLOWPLATE_TENANT_KEY=${tenantKey}`,
        '',
      ].join('\n'),
    );
    expect(first.said().stdout).toMatch(
      /^FLOWPLATE_API_KEY="\$FLOWPLATE_TENANT_KEY" npx flowplate platform create-admin .*$/m,
    );
    const environments = await fetch(`http://127.0.0.1:${port}/api/v1/environments`, {
      headers: { authorization: `Bearer ${tenantKey}` },
    });
    expect(await environments.json()).toMatchObject({ data: [{ name: 'default' }] });
    first.child.kill('SIGTERM');
    expect(await first.exited).toMatchObject({ code: 0 });

    const otherPort = String(await threeFreePorts());
    const second = runStart('--port', otherPort, '--data-dir', dataDir);
    await second.ready;
    expect(second.said().stdout).not.toMatch(shown);
    const [again = ''] = await paste(pastedLines(second.said().stdout));
    expect(JSON.parse(again)).toMatchObject({ user_id: 'alice', organization_id: 'acme' });
    const listed = await fetch(`http://127.0.0.1:${otherPort}/v1/flowplate/api-keys?user_id=alice`, {
      headers: { 'x-flowplate-master-key': masterKey },
    });
    const { data } = (await listed.json()) as { data: { key_id: string }[] };
    expect(data.map((key) => key.key_id)).toContain((JSON.parse(minted) as { key_id: string }).key_id);
  },
);

test('a chosen master key reaches the shell byte for byte', async () => {
  const dataDir = await temporaryDirectory();
  const masterKey = `it's $HOME "and" \\ \`more\` of thirty-two`;
  const url = 'http://127.0.0.1:9123';
  const path = await writeShellSettings(dataDir, { url, masterKey, tenantKey: undefined });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await writeShellSettings(dataDir, { url: `${url}4`, masterKey: undefined, tenantKey: 'flkey_1' });
  const told = 'printf "%s\\n" "$FLOWPLATE_SERVER" "$FLOWPLATE_MASTER_KEY" "$FLOWPLATE_TENANT_KEY"';
  const { stdout } = await runCommand(['sh', '-c', `. ${quoted(path)}; ${told}`]);
  expect(stdout.trimEnd().split('\n')).toEqual([`${url}4`, masterKey, 'flkey_1']);
});

test.each(['--help', '-h'])('%s is answered before anything is installed', async (option) => {
  const copy = await temporaryDirectory();
  await mkdir(join(copy, 'scripts', 'launch'), { recursive: true });
  for (const file of ['scripts/start', 'scripts/launch/usage.txt']) {
    await copyFile(join(projectRoot, file), join(copy, file));
  }
  const start = join(copy, 'scripts', 'start');
  const { exitCode, stdout, stderr } = await runCommand([start, '--port', '9223', option]);
  expect([exitCode, stderr]).toEqual([0, '']);
  for (const named of ['--port', '--metrics-port', '--data-dir', '--watch', 'DATABASE_URL', 'shell.env']) {
    expect(stdout).toContain(named);
  }
});

test('everything names the same Node that one has to have', async () => {
  const read = (file: string) => readFile(join(projectRoot, file), 'utf8');
  const { engines } = JSON.parse(await read('package.json')) as { engines: { node: string } };
  const [, major = ''] = /^>=(\d+)$/.exec(engines.node) ?? [];
  for (const page of ['README.md', 'docs/contributing.md']) {
    expect(await read(page), page).toContain(`Node ${major} or newer`);
  }
  const prepare = await read('scripts/prepare');
  expect(prepare).toContain(`-ge ${major} ]`);
  expect(prepare.match(/Node\.js \d+ or newer/g)).toEqual(Array(2).fill(`Node.js ${major} or newer`));
});

test('secrets are readable by their owner only, and their loss is not papered over', async () => {
  const dataDir = join(await serverDirectory(), 'data');
  const port = String(await threeFreePorts());
  const first = runStart('--port', port, '--data-dir', dataDir);
  await first.ready;
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  for (const file of [
    'secrets.env',
    'shell.env',
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

/** The file to source, and the three lines with curl. */
function pastedLines(stdout: string): string[] {
  return stdout.split('\n').filter((line) => line.startsWith('. ') || line.includes('curl '));
}

async function paste(lines: string[]): Promise<string[]> {
  expect(lines).toHaveLength(4);
  const { stdout, stderr } = await runCommand(['sh', '-eu', '-c', lines.join('\n')]);
  expect(stderr).toBe('');
  return stdout.trimEnd().split('\n');
}

async function childrenOf(pid: number | undefined): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').map(Number);
}
