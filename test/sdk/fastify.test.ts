import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listen } from '../../src/process/serve-http.ts';
import { type FastifyReply, flowplateFastify, identityHeaders, verdictOf } from '../../src/sdk/fastify.ts';
import type { Demands } from '../../src/sdk/gate.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { mint, revoke } from '../support/keys.ts';
import { askGateway, refusalOf } from './ask-gateway.ts';
import { type Embedded, embed } from './embedded.ts';
import { newLink } from './link.ts';

let broker: TestBroker;
let verifier: Embedded;
beforeAll(async () => {
  broker = await startBroker();
  verifier = await embed(broker);
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

/** Arguments of a Fastify hook, over a Node request and response. */
class Reply implements FastifyReply {
  readonly #res: ServerResponse;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  code(status: number): this {
    this.#res.statusCode = status;
    return this;
  }

  headers(values: Record<string, string>): this {
    for (const [name, value] of Object.entries(values)) this.#res.setHeader(name, value);
    return this;
  }

  send(body: Uint8Array): this {
    this.#res.end(body);
    return this;
  }
}

async function startGateway(by: Embedded, demands: Demands = {}): Promise<string> {
  const hook = flowplateFastify<{ raw: IncomingMessage; ip: string }>(by, { demands });
  const server = createServer(async (raw, res) => {
    const request = { raw, ip: raw.socket.remoteAddress ?? '' };
    await hook(request, new Reply(res));
    if (!res.writableEnded) res.end(JSON.stringify(identityHeaders(verdictOf(request))));
  });
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(() => void server.close());
  return `http://127.0.0.1:${port}`;
}

const door = (headers: readonly string[]) =>
  askGateway(`${broker.url}/v1/flowplate/authz`, ['x-flowplate-master-key', broker.masterKey, ...headers]);

test('a request with a valid key goes on, and the route knows whose it is', async () => {
  const { key, key_id } = await mint(broker, { rate_limit: { limit: 5, window_seconds: 60 } });
  const gateway = await startGateway(verifier);
  // Of a key with a limit the broker decides, which may be busy.
  const { status, headers, body } = await eventually(
    10_000,
    () => askGateway(gateway, ['X-API-Key', key]),
    (answer) => answer.status !== 503,
  );
  expect([status, headers['ratelimit-policy']]).toEqual([200, '"rate";q=5;w=60']);
  expect(JSON.parse(body)).toMatchObject({ 'x-flowplate-key-id': key_id });
});

test("a request that is kept out gets the answer that Flowplate's own door gives", async () => {
  const gateway = await startGateway(verifier);
  const revoked = await mint(broker);
  await revoke(broker, revoked.key_id);
  for (const headers of [[], ['X-API-Key', 'x'], ['Authorization', `Bearer ${revoked.key}`]]) {
    const answer = await askGateway(gateway, headers);
    expect(refusalOf(answer)).toEqual(refusalOf(await door(headers)));
    expect(answer.status).toBe(401);
  }
});

test('a key that lacks what the route demands is kept out', async () => {
  const { key } = await mint(broker);
  const gateway = await startGateway(verifier, { scopes: ['admin'] });
  expect((await askGateway(gateway, ['X-API-Key', key])).status).toBe(403);
});

test('when nobody can tell, nobody is let in', async () => {
  const link = newLink();
  const gateway = await startGateway(await embed(broker, { fetch: link.fetch }));
  const { key } = await mint(broker);
  link.cut();
  const { status, headers } = await askGateway(gateway, ['X-API-Key', key]);
  expect([status, headers['retry-after']]).toEqual([503, '1']);
});
