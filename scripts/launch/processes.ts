import { projectRoot } from '../services/project-root.ts';
import type { Supervisor } from '../services/supervise.ts';

export interface ProcessOptions {
  env: NodeJS.ProcessEnv;
  watch: boolean;
}

// With the stores below 30 s, the usual limit of systemd and container engines.
const API_STOPS_MS = 16_000;
const WORKER_STOPS_MS = 5_000;

/** Starts the API and the worker as processes. They write to stderr, each line with its name. */
export async function startProcesses(supervisor: Supervisor, options: ProcessOptions): Promise<void> {
  const { env, watch } = options;
  const start = async (name: string, file: string, stopDeadlineMs: number) => {
    const flags = watch ? ['--watch', '--watch-preserve-output'] : [];
    const command: [string, ...string[]] = [process.execPath, ...flags, file];
    await supervisor.start({ name, command, env, cwd: projectRoot, stopDeadlineMs, output: 'prefixed' });
  };
  await start('api', 'src/main.ts', API_STOPS_MS);
  await start('worker', 'workers/main.ts', WORKER_STOPS_MS);
}
