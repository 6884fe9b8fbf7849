import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from './at-end.ts';
import { eventually } from './eventually.ts';
import { loggedLine, type ProcessOptions, type Running, startScript } from './processes.ts';

export type LocalVerifierOptions = {
  brokers: readonly string[];
  masterKey: string;
  /** Listeners of ext_authz: `unix` for a socket, or an address. */
  grpc?: readonly string[];
  /** Further options of the command line. */
  args?: readonly string[];
  source?: ProcessOptions['source'];
};

export type StartedLocalVerifier = Running & {
  /** Path of its socket, which asks for no master key. */
  socketPath: string;
  /** Over TCP, where a master key is needed. */
  url: string;
  metricsUrl: string;
  /** Where ext_authz listens. */
  grpc: string[];
};

const script = 'src/local-verifier/main.ts';

/** `flowplate-verifier` as an operator starts it, with a socket, a free port and metrics. */
export async function startLocalVerifier(options: LocalVerifierOptions): Promise<StartedLocalVerifier> {
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const [socketPath, keyFile] = [join(directory, 'verifier.sock'), join(directory, 'master-key')];
  await writeFile(keyFile, `${options.masterKey}\n`, { mode: 0o600 });
  const args = [
    ...['--listen', `unix:${socketPath}`, '--listen', '127.0.0.1:0', '--metrics', '127.0.0.1:0'],
    ...['--master-key-file', keyFile, ...options.brokers.flatMap((url) => ['--broker', url])],
    ...(options.grpc ?? []).flatMap((at) => [
      '--grpc',
      at === 'unix' ? `unix:${join(directory, 'authz.sock')}` : at,
    ]),
    ...(options.args ?? []),
  ];
  const running = await startScript(script, { args, env: {}, source: options.source });
  const { http, grpc, metrics } = await loggedLine(running, 'listening');
  const [, address] = http as string[];
  return {
    ...running,
    socketPath,
    url: `http://${address}`,
    metricsUrl: `http://127.0.0.1:${metrics}`,
    grpc: grpc as string[],
  };
}

/** Until it may decide from memory. */
export async function untilLeaseIsHeld({ url }: Pick<StartedLocalVerifier, 'url'>): Promise<void> {
  await eventually(
    10_000,
    async () => (await fetch(`${url}/health/verify`)).json() as Promise<{ status: string }>,
    ({ status }) => status === 'ready',
  );
}
