import { join } from 'node:path';
import { becomesReady } from '../../scripts/services/becomes-ready.ts';
import { dieWithParent } from '../../scripts/services/die-with-parent.ts';
import { choosePort } from '../../scripts/services/free-port.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { startServerProcess } from '../../scripts/services/server-process.ts';
import type { Target } from '../load/jobs.ts';
import { type Place, pinTo } from './pin.ts';

export type BenchServer = Target & {
  stop(): Promise<void>;
  /** `kill -9`, and waits until it is gone. */
  kill(): Promise<void>;
};

export type ServerOptions = {
  /** Also the name of its log file. */
  name: string;
  /** File of this repository, with arguments. */
  program: readonly string[];
  env: NodeJS.ProcessEnv;
  logDir: string;
  isReady: (port: number) => Promise<boolean>;
  core: Place;
  /** Environment variable of its port; `PORT` unless set. */
  portName?: string;
};

const startMsMax = 20_000;
const stopMsMax = 15_000;

/** Starts one of our servers or a peer on its core, and waits until it answers. */
export async function startServer(options: ServerOptions): Promise<BenchServer> {
  const { name, program, logDir } = options;
  const port = await choosePort(undefined, name);
  const logFile = join(logDir, `${name}.log`);
  const server = await startServerProcess({
    command: [...(await dieWithParent('TERM')), ...(await pinTo(options.core)), process.execPath, ...program],
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      [options.portName ?? 'PORT']: String(port),
      ...options.env,
    },
    cwd: projectRoot,
    logFile,
  });
  const stop = () => server.stop('SIGTERM', stopMsMax);
  const isUp = await becomesReady(server, performance.now() + startMsMax, () => options.isReady(port));
  if (!isUp) {
    await stop();
    throw new Error(`${name} did not start, see ${logFile}`);
  }
  const kill = async () => {
    server.kill('SIGKILL');
    await server.exited;
  };
  return { port, pid: server.pid, stop, kill };
}

/** Whether an address answers, with the given text if there is one. */
export async function answers(url: string, text = ''): Promise<boolean> {
  try {
    const response = await fetch(url, { method: 'POST', body: '{}', signal: AbortSignal.timeout(1_000) });
    return (await response.text()).includes(text);
  } catch {
    return false;
  }
}
