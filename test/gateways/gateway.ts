import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { becomesReady } from '../../scripts/services/becomes-ready.ts';
import { findProgram, type ProgramName } from '../../scripts/services/debian-programs.ts';
import { dieWithParent } from '../../scripts/services/die-with-parent.ts';
import { choosePort } from '../../scripts/services/free-port.ts';
import { startServerProcess } from '../../scripts/services/server-process.ts';
import { atEnd } from '../support/at-end.ts';

/** Inputs of a configuration. */
export type Place = {
  directory: string;
  /** Where the gateway listens. */
  port: number;
  /** Where it asks: a port of this machine, or the path of a socket. */
  broker: number | string;
  applicationPort: number;
  /** The gateway's own. */
  masterKey: string;
  /** With the page's lines for CORS preflights. */
  answersPreflight: boolean;
  /** Mistakes in the configuration: what the page has, and what stands there instead. */
  mistakes: Record<string, string>;
};

export type Gateway = {
  name: ProgramName;
  /** Writes the configuration and answers with the arguments and the environment to run it with. */
  configure(place: Place): Promise<{ args: string[]; env?: Record<string, string> }>;
};

/**
 * The page names two brokers. The second one is dead in every test: nobody listens on port 1, or on
 * that socket. `onSocket` is how the gateway writes a socket.
 */
export function brokerPlaces(
  { broker }: Pick<Place, 'broker'>,
  onSocket: (path: string) => string,
): Record<string, string> {
  const isSocket = typeof broker === 'string';
  return {
    'flowplate-1.internal:9123': isSocket ? onSocket(broker) : `127.0.0.1:${broker}`,
    'flowplate-2.internal:9123': isSocket ? onSocket(`${broker}.dead`) : '127.0.0.1:1',
  };
}

const startsMs = 20_000;

/** A gateway as a real process on a free port; ended with the test file. */
export async function startGateway(
  gateway: Gateway,
  options: Omit<Place, 'directory' | 'port'>,
): Promise<string> {
  const program = await findProgram(gateway.name);
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const port = await choosePort(undefined, gateway.name);
  const { args, env } = await gateway.configure({ ...options, directory, port });
  const logFile = join(directory, 'gateway.log');
  const server = await startServerProcess({
    command: [...(await dieWithParent('TERM')), program.path, ...args],
    env: { PATH: process.env.PATH, HOME: directory, ...program.env, ...env },
    cwd: directory,
    logFile,
  });
  atEnd(() => server.stop('SIGTERM', 3_000));
  if (!(await becomesReady(server, performance.now() + startsMs, () => isListening(port)))) {
    throw new Error(`${gateway.name} did not start: ${await readFile(logFile, 'utf8')}`);
  }
  return `http://127.0.0.1:${port}`;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
