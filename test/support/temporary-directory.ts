import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';

/** Private temporary directory, removed after the test. */
export async function temporaryDirectory(parent = tmpdir()): Promise<string> {
  const directory = await mkdtemp(join(parent, 'flowplate-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** For the data of servers: where the run keeps its own. */
export function serverDirectory(): Promise<string> {
  return temporaryDirectory(inject('runDirectory'));
}
