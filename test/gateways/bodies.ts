import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { mint } from '../support/keys.ts';
import { expectPassed, expectRefused, type Site } from './site.ts';

export function testBodies(site: () => Site): void {
  describe('methods and bodies', () => {
    test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
      '%s reaches the application as it is',
      async (method) => {
        const { key } = await mint(site().broker);
        const seen = await expectPassed(site(), '/', { method, headers: { 'X-API-Key': key } });
        expect(seen.method).toBe(method);
        await expectRefused(site(), 401, '/', { method });
      },
    );

    test('a handshake for another protocol is checked like any other request', async () => {
      const { key } = await mint(site().broker);
      const handshake = {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      };
      await expectPassed(site(), '/', { headers: { ...handshake, 'X-API-Key': key } });
      await expectRefused(site(), 401, '/', { headers: handshake });
    });

    test('checks share connections to the broker, and a dead one beside it costs no request', async () => {
      const { broker, link, send } = site();
      const { key } = await mint(broker);
      const options = { method: 'POST', body: Buffer.from('body'), headers: { 'X-API-Key': key } };
      await expectPassed(site(), '/', options);
      const before = link.taken();
      const statuses: number[] = [];
      for (let round = 0; round < 30; round += 1) {
        statuses.push((await send('/', options)).status);
        // So that the second passes for which the page's gateways leave a dead broker alone.
        await sleep(50);
      }
      expect(statuses).toEqual(Array(30).fill(200));
      expect(link.taken() - before).toBeLessThan(10);
    });

    test('bodies reach the application intact, one after the other on one connection', async () => {
      const { key } = await mint(site().broker);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (const [size, framing] of [
        [7, {}],
        [0, {}],
        [20_000, { 'transfer-encoding': 'chunked' }],
        [300_000, {}],
        [7, { expect: '100-continue' }],
        [1, {}],
      ] as const) {
        const body = randomBytes(size);
        const headers = { 'X-API-Key': key, 'content-type': 'application/octet-stream', ...framing };
        const seen = await expectPassed(site(), '/', { method: 'POST', body, headers, agent });
        expect(Buffer.from(seen.body, 'latin1').equals(body), `${size} bytes`).toBe(true);
      }
      agent.destroy();
    });

    test('a refused body is not taken for the next request of the connection', async () => {
      const { key } = await mint(site().broker);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let round = 0; round < 4; round += 1) {
        const body = Buffer.from('GET /stolen HTTP/1.1\r\nhost: x\r\n\r\n');
        await expectRefused(site(), 401, '/', { method: 'POST', body, agent });
        const seen = await expectPassed(site(), '/', {
          method: 'POST',
          body,
          agent,
          headers: { 'X-API-Key': key },
        });
        expect(seen).toMatchObject({ method: 'POST', url: '/', body: body.toString() });
      }
      agent.destroy();
    });
  });
}
