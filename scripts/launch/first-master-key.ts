import { projectRoot } from '../services/project-root.ts';
import { lastLine, runCommand } from '../services/run-command.ts';

/** The first master key, when this call made it; only its hash is kept, so it can be shown this once. */
export async function firstMasterKey(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const command = [process.execPath, 'scripts/master-keys.ts', 'ensure-first', '--json'];
  const result = await runCommand(command, { cwd: projectRoot, env });
  if (result.exitCode !== 0) {
    throw new Error(
      `The first master key could not be made: ${lastLine(result.stderr) || lastLine(result.stdout)}`,
    );
  }
  return (JSON.parse(lastLine(result.stdout)) as { key?: string }).key;
}
