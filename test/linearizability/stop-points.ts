import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';

/**
 * Source text: the process that comes by stops itself, as by SIGSTOP, when somebody has put a file of this name into its
 * STOP_DIRECTORY. It stops once, and leaves its process id.
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
  return () => void process.kill(Number(pid), 'SIGCONT');
}
