import { createServer, type Server } from 'node:http';
import { FlowplateVerifier } from '../../src/sdk/verifier.ts';
import { answerJson, readJson } from './node-http.ts';

/**
 * Gateway process with an embedded verifier, behind the broker's own endpoints, so that the same
 * load fits.
 */
export async function embeddedVerifier(env: NodeJS.ProcessEnv): Promise<Server> {
  const { BROKER_URL = '', MASTER_KEY = '' } = env;
  const verifier = new FlowplateVerifier({ baseUrl: BROKER_URL, masterKey: MASTER_KEY });
  await verifier.start();
  process.once('SIGTERM', async () => {
    await verifier.close();
    process.exit(0);
  });
  return createServer((req, res) => {
    readJson(req, async (body) => {
      const verdict = await verifier.verify(body as { key: string }).catch((error: Error) => error.name);
      answerJson(res, typeof verdict === 'string' ? 503 : 200, JSON.stringify(verdict));
    });
  });
}
