import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * A directory of the running test's own, closed to other accounts and gone when the test has
 * finished.
 */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
