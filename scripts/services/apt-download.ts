import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { progress } from './progress.ts';
import { type CommandResult, lastLine, runCommand } from './run-command.ts';

export interface DebianPackage {
  version: string;
  /** Names only; the first of each set of alternatives. */
  depends: string[];
}

/**
 * Downloads and unpacks Debian packages without installing them and without root. A fresh container
 * has no package lists, and only root may update the system's. Then it keeps lists of its own in
 * `workDir`, for one process at a time. The system tells which packages are installed.
 */
export class AptDownloader {
  readonly #workDir: string;
  #options: readonly string[] = [];

  constructor(workDir: string) {
    this.#workDir = workDir;
  }

  async unpack(name: string, directory: string): Promise<DebianPackage> {
    const downloadDir = await mkdtemp(join(this.#workDir, 'download-'));
    try {
      await this.#download(name, downloadDir);
      const archive = await onlyFile(downloadDir);
      await mkdir(directory, { recursive: true });
      await must(['dpkg-deb', '--extract', archive, directory]);
      return await describe(archive);
    } finally {
      await rm(downloadDir, { recursive: true, force: true });
    }
  }

  async isInstalled(name: string): Promise<boolean> {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholder
    const result = await runCommand(['dpkg-query', '--show', '--showformat=${db:Status-Status}\n', name]);
    return result.stdout.split('\n').includes('installed');
  }

  async #download(name: string, downloadDir: string): Promise<void> {
    const first = await this.#apt(['download', name], downloadDir);
    if (first.exitCode === 0) return;
    if (this.#options.length === 0) await this.#usePrivateLists(downloadDir);
    const second = await this.#apt(['download', name], downloadDir);
    if (second.exitCode !== 0) throw new Error(aptError(second));
  }

  // Ignores the exit code: one unreachable third-party source is no reason to stop.
  async #usePrivateLists(downloadDir: string): Promise<void> {
    progress('Debian: fetching package lists');
    const state = join(this.#workDir, 'state');
    const cache = join(this.#workDir, 'cache');
    await mkdir(join(state, 'lists', 'partial'), { recursive: true });
    await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
    this.#options = [`Dir::State=${state}`, `Dir::Cache=${cache}`];
    await this.#apt(['update'], downloadDir);
  }

  async #apt(args: readonly string[], downloadDir: string): Promise<CommandResult> {
    // As root, apt would switch to the account _apt, which may not be able to write here.
    const options = [...this.#options, `APT::Sandbox::User=${userInfo().username}`, 'Acquire::Retries=2'];
    const command = [
      'apt-get',
      '--quiet',
      '--quiet',
      ...options.flatMap((option) => ['-o', option]),
      ...args,
    ];
    return await runCommand(command, { cwd: downloadDir, env: { ...process.env, LC_ALL: 'C' } });
  }
}

async function describe(archive: string): Promise<DebianPackage> {
  const field = async (name: string) => (await must(['dpkg-deb', '--field', archive, name])).trim();
  const depends = `${await field('Pre-Depends')},${await field('Depends')}`;
  const names = depends.split(',').map((entry) => /^\s*([a-z0-9][a-z0-9+.-]*)/.exec(entry)?.[1]);
  return { version: await field('Version'), depends: names.filter((name) => name !== undefined) };
}

async function onlyFile(directory: string): Promise<string> {
  const [name] = (await readdir(directory)).filter((entry) => entry.endsWith('.deb'));
  if (name === undefined) throw new Error('apt-get downloaded nothing');
  return join(directory, name);
}

async function must(command: readonly string[]): Promise<string> {
  const result = await runCommand(command);
  if (result.exitCode !== 0) throw new Error(`${command[0]} failed: ${lastLine(result.stderr)}`);
  return result.stdout;
}

function aptError(result: CommandResult): string {
  const error = result.stderr.split('\n').find((line) => line.startsWith('E:'));
  return error?.slice(2).trim() ?? (lastLine(result.stderr) || 'apt-get failed');
}
