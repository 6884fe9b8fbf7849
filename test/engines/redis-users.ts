import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../scripts/services/project-root.ts';

export type Users = { settings: { include: string }; api: string; worker: string };

/**
 * The users of deploy/redis, with passwords of this test, as a file that a server includes. `api`
 * and `worker` are what stands before the `@` of their URLs.
 */
export async function makeUsers(directory: string, password: string): Promise<Users> {
  const shipped = await readFile(join(projectRoot, 'deploy/redis/users.conf'), 'utf8');
  const file = join(directory, 'users.conf');
  const [api, worker] = [`api-${password}`, `worker-${password}`];
  const text = shipped
    .replace('change-the-password-of-the-api', api)
    .replace('change-the-password-of-the-worker', worker);
  await writeFile(file, text, { mode: 0o600 });
  return {
    settings: { include: JSON.stringify(file) },
    api: `flowplate-api:${api}`,
    worker: `flowplate-worker:${worker}`,
  };
}
