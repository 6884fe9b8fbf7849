import { projectRoot } from '../services/project-root.ts';
import { lastLine, runCommand } from '../services/run-command.ts';

/** Keys of the very first start, shown once: only their digests are stored. */
export type FirstKeys = { masterKey: string | undefined; tenantKey: string | undefined };

export async function firstKeys(env: NodeJS.ProcessEnv): Promise<FirstKeys> {
  // The tenant key last, since it cannot be created again; master keys can.
  const masterKey = await made('The first master key', ['scripts/master-keys.ts', 'ensure-first'], env);
  const tenantKey = await made('The first tenant key', ['scripts/organizations.ts', 'first-tenant-key'], env);
  return { masterKey, tenantKey };
}

/** The secret, when this call created it. */
async function made(what: string, command: string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const result = await runCommand([process.execPath, ...command, '--json'], { cwd: projectRoot, env });
  if (result.exitCode !== 0) {
    throw new Error(`${what} could not be made: ${lastLine(result.stderr) || lastLine(result.stdout)}`);
  }
  return (JSON.parse(lastLine(result.stdout)) as { key?: string }).key;
}
