import { createServer, type RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import express from 'express';
import { afterAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { listen } from '../../src/process/serve-http.ts';
import { FlowplateClient } from '../../src/sdk/client.ts';
import { FlowplateApiError } from '../../src/sdk/errors.ts';
import { flowplateExpress, identityHeaders, verdictOf } from '../../src/sdk/express.ts';
import { nextCursor } from '../../src/sdk/next-cursor.ts';
import { FlowplateOperatorClient } from '../../src/sdk/operator-client.ts';
import { FlowplateVerifier } from '../../src/sdk/verifier.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { askGateway } from './ask-gateway.ts';

afterAll(endAll);

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${port}`;
}

const key = newSecret('user', 'test', (size) => Buffer.alloc(size, 7));
const accepted = {
  valid: true,
  code: 'VALID',
  key_id: 'flk_1',
  user_id: 'usr_1',
  organization_id: 'org_1',
  environment: 'test',
  scopes: [],
  metadata: {},
  expires_at: null,
};
const limit = { limit: 1, remaining: 0, reset_at: '2026-03-12T09:00:00.000Z', enforced: true };

/** A gateway without a lease: the broker decides each request, and says `text`. */
async function gatewayOf(text: string): Promise<string> {
  const baseUrl = await serve((_req, res) => void res.end(text));
  const verifier = new FlowplateVerifier({ baseUrl, masterKey: 'fl_master_test_x' });
  const app = express();
  app.use(flowplateExpress(verifier));
  app.use((req, res) => void res.set(identityHeaders(verdictOf(req))).json('let in'));
  return serve(app);
}

const noVerdicts = {
  'no body': '',
  null: 'null',
  'a text': '"welcome"',
  'an empty object': '{}',
  'a yes that is no boolean': JSON.stringify({ ...accepted, valid: 'false' }),
  'a yes that is a number': JSON.stringify({ ...accepted, valid: 1 }),
  'a yes for nobody': JSON.stringify({ valid: true, code: 'VALID' }),
  'a yes with a header in its name': JSON.stringify({ ...accepted, user_id: 'x\r\nx-admin: 1' }),
  'a yes with scopes that are none': JSON.stringify({ ...accepted, scopes: 'admin' }),
  'a limit with a header in it': JSON.stringify({
    ...accepted,
    rate_limit: { ...limit, limit: '1\r\nx: y' },
  }),
  'a limit that ends at no time': JSON.stringify({ ...accepted, quota: { ...limit, reset_at: 'x\r\n' } }),
};

describe('a gateway lets nobody in, and goes on, when the broker answers', () => {
  test.each(Object.entries(noVerdicts))('%s', async (_name, text) => {
    const gateway = await gatewayOf(text);
    for (let round = 0; round < 2; round++) {
      const { status, headers } = await askGateway(gateway, ['X-API-Key', key]);
      expect([status, headers['x-flowplate-code']]).toEqual([503, 'unavailable']);
    }
  });

  test.each(['constructor', '__proto__', 'toString', 'A_NEWER_CODE'])('no with the code %s', async (code) => {
    const gateway = await gatewayOf(JSON.stringify({ valid: false, code }));
    expect((await askGateway(gateway, ['X-API-Key', key])).status).toBe(401);
  });

  test('yes: control of this test', async () => {
    const gateway = await gatewayOf(
      JSON.stringify({ ...accepted, rate_limit: { ...limit, window_seconds: 1 } }),
    );
    const { status, headers } = await askGateway(gateway, ['X-API-Key', key]);
    expect([status, headers['x-flowplate-user-id']]).toEqual([200, 'usr_1']);
  });
});

describe('a client', () => {
  const clientOf = (baseUrl: string) => new FlowplateClient({ baseUrl, masterKey: 'x', retriesMax: 0 });

  test('takes no verdict that is none, nor another number of them than was asked for', async () => {
    for (const text of ['', 'null', '{}', '{"valid":"true"}', '{"results":[]}', '{"results":[null]}']) {
      const client = clientOf(await serve((_req, res) => void res.end(text)));
      for (const call of [client.verify({ key }), client.verifyBatch([{ key }])]) {
        await expect(call).rejects.toMatchObject({ name: 'FlowplateApiError', code: 'UNEXPECTED_ANSWER' });
      }
    }
  });

  test('gives a body without an end up at its bound, compressed or not', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));
    let sent = 0;
    const endless: RequestListener = (_req, res) => {
      const piece = Buffer.alloc(1024 * 1024, ' ');
      const more = () => {
        while (!res.destroyed && res.write(piece)) sent++;
      };
      res.on('drain', more);
      more();
    };
    for (const [status, listener] of [
      [200, (_req, res) => void res.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)],
      [500, (_req, res) => void res.writeHead(500, { 'content-encoding': 'gzip' }).end(bomb)],
      [200, endless],
    ] as [number, RequestListener][]) {
      const client = clientOf(await serve(listener));
      const error = await client.get('flk_x').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(FlowplateApiError);
      expect(error).toMatchObject({ code: 'UNEXPECTED_ANSWER', status });
    }
    expect(sent).toBeLessThan(64);
  });

  test('gives a line without an end up', async () => {
    const baseUrl = await serve((_req, res) => void res.end(Buffer.alloc(8 * 1024 * 1024, 'x')));
    const read = async () => {
      for await (const _line of new FlowplateOperatorClient({ baseUrl }).audit.export());
    };
    await expect(read()).rejects.toMatchObject({ code: 'UNEXPECTED_ANSWER' });
  });

  test('reads a hostile Link in a moment', () => {
    const size = 16_000;
    for (const piece of ['<>;', '<', '<>', '<>; ', '<a>; rel=nex']) {
      const startedMs = performance.now();
      expect(nextCursor(piece.repeat(size / piece.length))).toBeNull();
      expect(performance.now() - startedMs).toBeLessThan(20);
    }
    expect(nextCursor('</a>; rel="preload", </x?a=1&cursor=abc>; rel="next"')).toBe('abc');
  });
});
