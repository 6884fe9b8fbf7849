import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

const SECRETS_FILE = 'secrets.env';
const PEPPER_BYTES = 32;

/**
 * Secrets of the server, created at the first start and kept in `secrets.env` (0600). The
 * environment has precedence. Rejects instead of creating a new pepper for existing data, whose
 * keys would all be invalid.
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
  // Atomic write: half a pepper would be taken for a whole one.
  await writeFile(`${path}.new`, `FLOWPLATE_PEPPERS=p1:${pepper}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}
