import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

export type Login = { email: string; token: string; expires_at: string };

type Env = Readonly<Record<string, string | undefined>>;
type Contents = { servers: Record<string, Login> };

/**
 * File in the user's configuration directory (XDG Base Directory Specification; a relative path is
 * ignored).
 */
export function credentialsPath(env: Env): string {
  const configured = env.XDG_CONFIG_HOME;
  const directory =
    configured !== undefined && isAbsolute(configured) ? configured : join(env.HOME ?? homedir(), '.config');
  return join(directory, 'flowplate', 'credentials.json');
}

export async function findLogin(path: string, server: string): Promise<Login | undefined> {
  return (await read(path)).servers[server];
}

export async function saveLogin(path: string, server: string, login: Login): Promise<void> {
  const { servers } = await read(path);
  await write(path, { servers: { ...servers, [server]: login } });
}

export async function removeLogin(path: string, server: string): Promise<void> {
  const { [server]: removed, ...others } = (await read(path)).servers;
  if (removed !== undefined) await write(path, { servers: others });
}

/** A missing or foreign file counts as empty; the next login writes it. */
async function read(path: string): Promise<Contents> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  try {
    const { servers } = JSON.parse(text);
    return { servers: typeof servers === 'object' && servers !== null ? servers : {} };
  } catch {
    return { servers: {} };
  }
}

/** Atomic write. The file is never readable for others. */
async function write(path: string, contents: Contents): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const written = `${path}.${randomUUID()}`;
  try {
    const file = await open(written, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(contents, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(written, path);
  } catch (error) {
    await rm(written, { force: true });
    throw error;
  }
}
