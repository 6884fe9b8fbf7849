import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

/**
 * Password in `path`, created at the first call, so that clients survive a restart of the server.
 */
export async function keptPassword(path: string): Promise<string> {
  try {
    await writeFile(path, newPassword(), { mode: 0o600, flag: 'wx' });
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err;
  }
  return await readFile(path, 'utf8');
}

/** 192 random bits, safe in a URL and in a configuration file. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}
