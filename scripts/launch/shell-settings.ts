import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FirstKeys } from './first-keys.ts';

const SHELL_FILE = 'shell.env';

/**
 * Writes `shell.env` (0600), which a shell sources: the server's address and the first keys. A file
 * keeps secrets out of the shell's history. Keys of an earlier start stay in it, since they are
 * shown only once. Returns its path.
 */
export async function writeShellSettings(
  dataDir: string,
  { url, masterKey, tenantKey }: FirstKeys & { url: string },
): Promise<string> {
  const path = join(dataDir, SHELL_FILE);
  const settings = {
    FLOWPLATE_SERVER: url,
    FLOWPLATE_MASTER_KEY: masterKey,
    FLOWPLATE_TENANT_KEY: tenantKey,
  };
  const lines = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [`export ${name}=${quoted(value)}`],
  );
  const kept = (await linesOf(path)).filter((line) => !lines.some((newer) => nameOf(newer) === nameOf(line)));
  await writeFile(`${path}.new`, `${[...lines, ...kept].join('\n')}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  return path;
}

/** A word for the shell, whatever is in it. */
export function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

async function linesOf(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  return (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
}

function nameOf(line: string): string | undefined {
  return /^export (\w+)=/.exec(line)?.[1];
}
