import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { expect, test, vi } from 'vitest';
import { startPostgres } from '../../scripts/services/postgres.ts';
import { startRedis } from '../../scripts/services/redis.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test.runIf(process.platform === 'linux')('kill -9 of the parent leaves no orphan and no damage', async () => {
  const directory = await temporaryDirectory();
  const { parent, pids } = await startParent(directory);
  for (const pid of pids) expect(isRunning(pid)).toBe(true);
  parent.kill('SIGKILL');

  // At once, while the old ones are still stopping: each waits for its predecessor.
  const postgres = await startPostgres({ dataDir: join(directory, 'postgres') });
  const redis = await startRedis({ dataDir: join(directory, 'redis') });
  await vi.waitFor(() => {
    for (const pid of pids) expect(isRunning(pid)).toBe(false);
  });
  await redis.stop();
  await postgres.stop();
});

async function startParent(directory: string): Promise<{ parent: ChildProcess; pids: number[] }> {
  const script = join(import.meta.dirname, 'fixtures', 'start-servers.ts');
  const parent = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  return { parent, pids: JSON.parse(line) as number[] };
}

// A zombie has ended; process 1 may take its time to fetch it.
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
