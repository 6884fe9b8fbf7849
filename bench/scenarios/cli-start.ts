import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackage } from '../../scripts/packages/build-packages.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { inWords } from '../report/statistics.ts';
import type { Scenario } from './scenario.ts';

/** Each start is one sample; all arms take turns, so that a busy moment hits every one of them. */
const samplesPerRound = 6;

type Arm = { name: string; args: readonly string[] };

export const cliStart: Scenario = {
  name: 'cli-start',
  about: 'from the start of the command line to its end: help, and typical commands',
  async run(stage, { rounds }) {
    const directory = await mkdtemp(join(tmpdir(), 'flowplate-bench-cli-'));
    stage.closing.add('package', () => rm(directory, { recursive: true, force: true }));
    await buildPackage('cli', directory);
    // Where the launcher keeps compiled files.
    await mkdir(join(directory, '.cache'));
    const { port } = await stage.startApi('api');
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: directory,
      FLOWPLATE_SERVER: `http://127.0.0.1:${port}`,
      FLOWPLATE_MASTER_KEY: stage.masterKey,
    };
    const arms = armsOf(join(directory, 'dist/flowplate.mjs'));
    const samples = arms.map((): number[] => []);
    // The first start of each fills the caches of the machine and of the launcher.
    for (let round = -1; round < rounds * samplesPerRound; round++) {
      for (const [index, arm] of arms.entries()) {
        const ms = await startMs(arm, env);
        if (round >= 0) samples[index]?.push(ms);
      }
    }
    return [
      {
        title: 'Start of the command line',
        columns: ['', 'ms'],
        rows: arms.map(({ name }, index) => [name, inWords(samples[index] ?? [])]),
        notes: [
          'From spawn to exit: median and range. The package is one file; the launcher is that of the repository.',
        ],
      },
    ];
  },
};

function armsOf(bundle: string): Arm[] {
  const launcher = join(projectRoot, 'src/cli/flowplate.js');
  return [
    { name: 'node, for comparison', args: ['-e', '0'] },
    { name: 'package: --help', args: [bundle, '--help'] },
    { name: 'package: keys mint --help', args: [bundle, 'keys', 'mint', '--help'] },
    { name: 'package: keys list', args: [bundle, 'keys', 'list', '--limit', '20'] },
    { name: 'package: status', args: [bundle, 'status'] },
    { name: 'repository: --help', args: [launcher, '--help'] },
    { name: 'repository: keys list', args: [launcher, 'keys', 'list', '--limit', '20'] },
  ];
}

async function startMs({ name, args }: Arm, env: Record<string, string>): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  return performance.now() - startedMs;
}
