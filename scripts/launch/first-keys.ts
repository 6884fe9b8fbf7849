import { projectRoot } from '../services/project-root.ts';
import { lastLine, runCommand } from '../services/run-command.ts';

/** What the very first start makes; only digests of it are kept, so it can be shown this once. */
export type FirstKeys = { masterKey: string | undefined; tenantKey: string | undefined };

export async function firstKeys(env: NodeJS.ProcessEnv): Promise<FirstKeys> {
  // The tenant key last: were it made and the other failed, nobody would have seen it. Master keys
  // can be made again at any time.
  const masterKey = await made('The first master key', ['scripts/master-keys.ts', 'ensure-first'], env);
  const tenantKey = await made('The first tenant key', ['scripts/organizations.ts', 'first-tenant-key'], env);
  return { masterKey, tenantKey };
}

/** The secret, when this call made it. */
async function made(what: string, command: string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const result = await runCommand([process.execPath, ...command, '--json'], { cwd: projectRoot, env });
  if (result.exitCode !== 0) {
    throw new Error(`${what} could not be made: ${lastLine(result.stderr) || lastLine(result.stdout)}`);
  }
  return (JSON.parse(lastLine(result.stdout)) as { key?: string }).key;
}
