import { readFileSync } from 'node:fs';

/**
 * Settings that are secrets, or URLs with a password in them: each may stand in a file instead,
 * named by the same variable with `_FILE`.
 */
export const secretSettings = [
  'DATABASE_URL',
  'DATABASE_DIRECT_URL',
  'REDIS_URL',
  'QUEUE_REDIS_URL',
  'FLOWPLATE_PEPPERS',
  'FLOWPLATE_MASTER_KEY',
  'OIDC_CLIENT_SECRET',
  'LEAK_REPORTERS',
  'JOURNAL_BUCKET_SECRET_ACCESS_KEY',
] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment with the text of each secret's file in the place of the secret. The line end that
 * editors add is no part of it. Throws an error that names the variable and never repeats a value.
 */
export function withSecretFiles(env: Environment): Environment {
  const read: Record<string, string | undefined> = { ...env };
  for (const name of secretSettings) {
    const file = env[`${name}_FILE`];
    if (file === undefined || file === '') continue;
    if (env[name] !== undefined && env[name] !== '')
      throw new Error(`Configuration: ${name} and ${name}_FILE are both set`);
    read[name] = readSecretFile(name, file);
  }
  return read;
}

function readSecretFile(name: string, file: string): string {
  const text = readText(name, file).replace(/\r?\n$/, '');
  if (text === '') throw new Error(`Configuration: ${name}_FILE names an empty file`);
  return text;
}

function readText(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`Configuration: ${name}_FILE cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
