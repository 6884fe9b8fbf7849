import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

const SECRETS_FILE = 'secrets.env';
const PEPPER_BYTES = 32;

/**
 * The secrets the server needs, made at the first start and kept in `secrets.env` (0600). One set
 * in the environment wins. Rejects rather than make a new pepper for data that was written with
 * another: every key in it would be dead.
 */
export async function keptSecrets(dataDir: string, env: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  if (env.FLOWPLATE_PEPPERS !== undefined) return { FLOWPLATE_PEPPERS: env.FLOWPLATE_PEPPERS };
  const path = join(dataDir, SECRETS_FILE);
  if (!existsSync(path)) {
    if (existsSync(join(dataDir, 'postgres'))) {
      throw new Error(
        `${path} is gone: without its pepper no key in ${dataDir} can be verified. Restore it.`,
      );
    }
    await writeSecrets(path);
  }
  const { FLOWPLATE_PEPPERS } = parseEnv(await readFile(path, 'utf8'));
  if (FLOWPLATE_PEPPERS === undefined) throw new Error(`${path} has no FLOWPLATE_PEPPERS.`);
  return { FLOWPLATE_PEPPERS };
}

async function writeSecrets(path: string): Promise<void> {
  const pepper = randomBytes(PEPPER_BYTES).toString('base64url');
  // Written aside and moved into place: half a pepper would be taken for a whole one.
  await writeFile(`${path}.new`, `FLOWPLATE_PEPPERS=p1:${pepper}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}
