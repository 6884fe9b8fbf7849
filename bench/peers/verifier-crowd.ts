import { createServer, type Server } from 'node:http';
import { FlowplateVerifier } from '../../src/sdk/verifier.ts';

const startedAtOnce = 16;

/**
 * Many gateways in one process: embedded verifiers, each with its own lease. They verify nothing.
 */
export async function verifierCrowd(env: NodeJS.ProcessEnv): Promise<Server> {
  const { BROKER_URL = '', MASTER_KEY = '', VERIFIERS = '0' } = env;
  const verifiers = Array.from(
    { length: Number(VERIFIERS) },
    () => new FlowplateVerifier({ baseUrl: BROKER_URL, masterKey: MASTER_KEY, recordsInMemoryMax: 100 }),
  );
  for (let first = 0; first < verifiers.length; first += startedAtOnce) {
    await Promise.all(verifiers.slice(first, first + startedAtOnce).map((verifier) => verifier.start()));
  }
  process.once('SIGTERM', async () => {
    await Promise.all(verifiers.map((verifier) => verifier.close()));
    process.exit(0);
  });
  return createServer((_, res) => {
    const held = verifiers.filter((verifier) => verifier.isLeaseHeld()).length;
    res.end(String(held));
  });
}
