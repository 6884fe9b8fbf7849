import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../scripts/services/run-command.ts';
import { eventually } from '../support/eventually.ts';

/**
 * Source text: the process that comes by stops itself, as by SIGSTOP, when somebody has put a file
 * of this name into its STOP_DIRECTORY. It stops once, and leaves its process id.
 */
export function stopPoint(name: string): string {
  return `{
    const fs = process.getBuiltinModule('node:fs');
    const file = \`\${process.env.STOP_DIRECTORY}/${name}\`;
    if (fs.existsSync(file)) {
      fs.unlinkSync(file);
      fs.writeFileSync(\`\${file}.stopped\`, String(process.pid));
      process.kill(process.pid, 'SIGSTOP');
    }
  }\n`;
}

/**
 * Source text: who comes by waits there, and does everything else meanwhile, as long as this name
 * is held in its STOP_DIRECTORY.
 */
export function holdPoint(name: string): string {
  return `while (process.getBuiltinModule('node:fs').existsSync(\`\${process.env.STOP_DIRECTORY}/${name}.held\`)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }\n`;
}

/** Resolves with what releases those who wait there. */
export async function holdAt(directory: string, name: string): Promise<() => Promise<void>> {
  const file = join(directory, `${name}.held`);
  await writeFile(file, '');
  return () => rm(file);
}

/** Resolves when a process has stopped there, with what lets it go on. */
export async function stopAt(directory: string, name: string): Promise<() => void> {
  await mkdir(directory, { recursive: true });
  await rm(join(directory, `${name}.stopped`), { force: true });
  await writeFile(join(directory, name), '');
  const pid = await eventually(
    20_000,
    () => readFile(join(directory, `${name}.stopped`), 'utf8').catch(() => ''),
    (text) => text !== '',
  );
  // It says so just before. A SIGCONT that overtakes its SIGSTOP is lost, and it stops for good.
  await eventually(20_000, () => isStopped(pid), Boolean);
  return () => void process.kill(Number(pid), 'SIGCONT');
}

/** Whether the system has stopped this process. */
async function isStopped(pid: string): Promise<boolean> {
  const { stdout } = await runCommand(['ps', '-o', 'stat=', '-p', pid]);
  return stdout.startsWith('T');
}
