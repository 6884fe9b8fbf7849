import { createServer, type ServerResponse } from 'node:http';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listen } from '../../src/process/serve-http.ts';
import { FlowplateClient } from '../../src/sdk/client.ts';
import { flowplateExpress } from '../../src/sdk/express.ts';
import { type FastifyReply, flowplateFastify } from '../../src/sdk/fastify.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint, verify } from '../support/keys.ts';
import vectors from '../vectors/ip-address.json' with { type: 'json' };
import { askGateway } from './ask-gateway.ts';
import { type Embedded, embed, warm } from './embedded.ts';

const ip_allowlist = ['10.0.0.0/8', '2001:db8::/32'];

type Asked = { text: string; isAllowed: boolean };

const texts: Asked[] = [
  ...vectors.addresses.map(([text = '', address = '']) => ({
    text,
    isAllowed: /^(10\.|2001:db8:)/.test(address),
  })),
  ...[...vectors.none, '1'.repeat(300)].map((text) => ({ text, isAllowed: false })),
];

/** As a header can carry it, and as the one entry of a list. */
const headerTexts = texts.filter(({ text }) => /^[\t\x20-\x2b\x2d-\x7e]*$/.test(text));

let broker: TestBroker;
let verifier: Embedded;
let key: string;
let limitedKey: string;
beforeAll(async () => {
  broker = await startBroker();
  verifier = await embed(broker);
  key = (await mint(broker, { ip_allowlist })).key;
  const rate_limit = { limit: 1_000_000, window_seconds: 60 };
  limitedKey = (await mint(broker, { ip_allowlist, rate_limit })).key;
  await warm(verifier, key);
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

/**
 * Of each text, whether this door lets it in; any answer but the two expected ones is shown as it
 * is.
 */
async function seenAt(
  asked: Asked[],
  door: (text: string) => Promise<unknown>,
  [yes, no]: [yes: unknown, no: unknown] = ['VALID', 'IP_NOT_ALLOWED'],
) {
  const seen: unknown[] = [];
  for (const { text } of asked) {
    const answer = await door(text);
    seen.push({ text, isAllowed: answer === yes ? true : answer === no ? false : answer });
  }
  return seen;
}

describe('the same text is the same address, or none,', () => {
  test('to a JSON verification', async () => {
    expect(await seenAt(texts, async (ip) => (await verify(broker, key, { ip })).code)).toEqual(texts);
  });

  test('to one whose headers are looked at more closely', async () => {
    const headers = { accept: 'application/json, */*;q=0.5' };
    const door = async (ip: string) => (await verify(broker, key, { ip }, { headers })).code;
    expect(await seenAt(texts, door)).toEqual(texts);
  });

  test('to a batch, in which no entry is refused for another', async () => {
    const seen: unknown[] = [];
    for (let from = 0; from < texts.length; from += 100) {
      const asked = texts.slice(from, from + 100);
      const { status, body } = await broker.call(`POST ${keysPath}/verify/batch`, {
        body: { keys: asked.map(({ text: ip }) => ({ key, ip })) },
      });
      expect(status).toBe(200);
      const codes = body.results.map(({ code }: { code: string }) => code);
      seen.push(...(await seenAt(asked, async () => codes.shift())));
    }
    expect(seen).toEqual(texts);
  });

  test('to the client', async () => {
    const client = new FlowplateClient({ baseUrl: broker.url, masterKey: broker.masterKey });
    expect(await seenAt(texts, async (ip) => (await client.verify({ key, ip })).code)).toEqual(texts);
  });

  test('to the embedded verifier, from memory and where it asks the broker', async () => {
    expect(await seenAt(texts, async (ip) => verifier.verifyNow({ key, ip })?.code)).toEqual(texts);
    const asking = async (ip: string) => (await verifier.verify({ key: limitedKey, ip })).code;
    expect(await seenAt(texts, asking)).toEqual(texts);
  });

  test('to forward auth, as the last entry of X-Forwarded-For', async () => {
    const headers = ['x-flowplate-master-key', broker.masterKey, 'X-API-Key', key, 'X-Forwarded-For'];
    const url = `${broker.url}/v1/flowplate/authz`;
    // A busy machine may miss the door's deadline.
    const ask = (text: string) =>
      eventually(
        10_000,
        async () => (await askGateway(url, [...headers, text])).status,
        (status) => status !== 503,
      );
    expect(await seenAt(headerTexts, ask, [200, 403])).toEqual(headerTexts);
    const afterOthers = (text: string) => ask(`192.0.2.66,unknown, ${text}`);
    expect(await seenAt(headerTexts, afterOthers, [200, 403])).toEqual(headerTexts);
  });

  test('to Express middleware, as what Express says', async () => {
    const app = express();
    app.set('trust proxy', 1);
    app.use(flowplateExpress(verifier), (_req, res) => void res.end());
    const url = await serverOf(app);
    const ask = async (text: string) =>
      (await askGateway(url, ['X-API-Key', key, 'X-Forwarded-For', `192.0.2.66, ${text}`])).status;
    expect(await seenAt(headerTexts, ask, [200, 403])).toEqual(headerTexts);
  });

  test('to Fastify middleware, as what Fastify says', async () => {
    let ip = '';
    const hook = flowplateFastify(verifier);
    const url = await serverOf(async (raw, res) => {
      await hook({ raw, ip }, replyTo(res));
      res.end();
    });
    const ask = async (text: string) => {
      ip = text;
      return (await askGateway(url, ['X-API-Key', key])).status;
    };
    expect(await seenAt(texts, ask, [200, 403])).toEqual(texts);
  });

  test('to the allow-list of a master key, behind a trusted proxy', async () => {
    const replica = await broker.replica({ TRUSTED_PROXIES: '127.0.0.0/8' });
    const { secret } = await broker.createMasterKey({ ipAllowlist: ip_allowlist });
    const ask = async (text: string) =>
      (
        await askGateway(`${replica.url}${keysPath}`, [
          ...['x-flowplate-master-key', secret],
          ...['X-Forwarded-For', `10.9.9.9, ${text}`],
        ])
      ).status;
    expect(await seenAt(headerTexts, ask, [200, 401])).toEqual(headerTexts);
    await replica.close();
  });
});

async function serverOf(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handler);
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(() => void server.close());
  return `http://127.0.0.1:${port}/`;
}

/** As much of Fastify's reply as the hook takes, over Node's own. */
function replyTo(res: ServerResponse): FastifyReply {
  const reply: FastifyReply = {
    code: (status) => {
      res.statusCode = status;
      return reply;
    },
    headers: (values) => {
      for (const [name, value] of Object.entries(values)) res.setHeader(name, value);
      return reply;
    },
    send: () => reply,
  };
  return reply;
}
