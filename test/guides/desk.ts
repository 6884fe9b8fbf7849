import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { findProgram, type ProgramName } from '../../scripts/services/debian-programs.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { pythonPath } from '../../scripts/services/python-modules.ts';
import { atEnd } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startScript } from '../support/processes.ts';
import { freshRedis } from '../support/redis.ts';
import { threeFreePorts } from '../support/run-start.ts';

/** A reader's desk: a checkout in which `scripts/start` runs, and a shell's environment. */
export type Desk = { checkout: string; env: Record<string, string> };

/**
 * One broker for all guides, on the stores of the test run. The checkout is a folder of links into
 * the project with a data directory of its own, so that pages need no other paths.
 */
export async function openDesk(programs: readonly ProgramName[]): Promise<Desk> {
  const root = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(root, { recursive: true, force: true }));
  const [checkout, home, bin] = [join(root, 'flowplate-keys'), join(root, 'home'), join(root, 'bin')];
  for (const directory of [checkout, home, bin]) await mkdir(directory);
  for (const entry of await readdir(projectRoot)) {
    if (!ownOfCheckout.has(entry)) await symlink(join(projectRoot, entry), join(checkout, entry));
  }
  for (const name of programs) await linkProgram(name, bin);
  await writeProgram(join(bin, 'npx'), npx);
  await startBroker(join(checkout, '.flowplate', 'data'));
  const port = await threeFreePorts();
  return {
    checkout,
    env: {
      HOME: home,
      // The pinned Node first: a reader's own may be any of 20 or newer.
      PATH: [bin, dirname(process.execPath), process.env.PATH].join(':'),
      PYTHONPATH: await pythonPath('requests'),
      // Ports that the pages let a reader choose.
      APPLICATION: `127.0.0.1:${port}`,
      GATEWAY: `127.0.0.1:${port + 1}`,
      DOOR: `127.0.0.1:${port + 2}`,
      TERM: 'dumb',
      NO_COLOR: '1',
    },
  };
}

/** Guides write these; a link would lead them into the project's own. */
const ownOfCheckout = new Set(['.flowplate', '.git', '.env']);

/** A program that may be unpacked, with the libraries that it needs and no other program. */
async function linkProgram(name: ProgramName, bin: string): Promise<void> {
  const { path, env } = await findProgram(name);
  if (path === name) return;
  const settings = Object.entries(env).map(([variable, value]) => `${variable}='${value}'`);
  await writeProgram(join(bin, name), `${settings.join(' ')} exec '${path}' "$@"`);
}

/** `npx flowplate` without the second that npm takes to find it in package.json. */
const npx = `[ "$1" = flowplate ] && shift && exec node '${join(projectRoot, 'src/cli/flowplate.js')}' "$@"`;

async function writeProgram(path: string, command: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${command}\n`);
  await chmod(path, 0o755);
}

async function startBroker(dataDir: string): Promise<void> {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redis = await freshRedis(inject('redisUrl'));
  const start = await startScript('scripts/start.ts', {
    env: { DATABASE_URL: database.url, REDIS_URL: redis.url, UNSAFE_POSTGRES: 'allow' },
    args: ['--port', String(await threeFreePorts()), '--data-dir', dataDir],
  });
  atEnd(async () => {
    start.kill('SIGTERM');
    await start.exited;
  });
  const said = () => start.stdout() + start.stderr();
  await eventually(60_000, said, (text) => text.includes('Ctrl-C stops everything.'));
}
