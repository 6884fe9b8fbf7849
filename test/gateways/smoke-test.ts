import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findProgram } from '../../scripts/services/debian-programs.ts';
import { type CommandResult, runCommand } from '../../scripts/services/run-command.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { documentedFile } from './documented-file.ts';
import type { Site } from './site.ts';

/** The page's script for operators, as they run it. */
async function runSmokeTest(url: string): Promise<CommandResult> {
  const file = join(await temporaryDirectory(), 'smoke-test.sh');
  await writeFile(file, documentedFile('smoke-test.sh'));
  const curl = await findProgram('curl');
  const env = { ...curl.env, PATH: `${dirname(curl.path)}:${process.env.PATH}` };
  return await runCommand(['sh', file, url], { env });
}

export function testSmokeTest(site: () => Site): void {
  describe("the page's smoke test", () => {
    test('finds this gateway closed, also while no broker can be reached', async () => {
      const { link, url } = site();
      expect(await runSmokeTest(`${url}/orders`)).toMatchObject({ exitCode: 0, stderr: '' });
      await link.become('closed');
      const { exitCode, stdout } = await runSmokeTest(`${url}/orders`);
      await link.become('open');
      expect(exitCode, stdout).toBe(0);
      expect(stdout.match(/^closed 503 /gm)).toHaveLength(8);
      // So that whoever comes next finds the gateway well again.
      await eventually(
        10_000,
        () => site().send('/'),
        ({ status }) => status === 401,
      );
    });

    test('finds an application without a gateway open, and one that does not answer not closed', async () => {
      const { application } = site();
      const { exitCode, stdout } = await runSmokeTest(`http://127.0.0.1:${application.port}/orders`);
      expect(exitCode).toBe(1);
      expect(stdout.match(/^OPEN {3}200 /gm)).toHaveLength(8);
      expect((await runSmokeTest('http://127.0.0.1:1/')).exitCode).toBe(1);
    });
  });
}
