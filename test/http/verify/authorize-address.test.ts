import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { type Minted, mint, verify } from '../../support/keys.ts';
import { sendRaw, statusesOf } from '../../support/raw-request.ts';
import { doorPath, knockWith } from './door.ts';

let broker: TestBroker;
let client: Minted;
beforeAll(async () => {
  broker = await startBroker();
  client = await mint(broker, { ip_allowlist: ['10.0.0.0/8', '2001:db8::/32'] });
  // From memory from here on, so that no look-up runs into the door's deadline.
  await verify(broker, client.key);
});
afterAll(() => broker.close());

test.each([
  '10.1.2.3',
  '2001:db8::7',
  '::ffff:10.1.2.3',
  '203.0.113.9, 10.1.2.3',
  '  unknown ,10.1.2.3  ',
  '10.1.2.3:51234',
  '[2001:db8::5]:443',
  '"[2001:db8::5]:443"',
  '203.0.113.9:1, 10.1.2.3:51234',
])('X-Forwarded-For "%s" ends with an address that the key allows', async (forwardedFor) => {
  expect((await knockWith(broker, client, { 'x-forwarded-for': forwardedFor })).status).toBe(200);
});

test.each([
  '203.0.113.9',
  '10.1.2.3, 203.0.113.9',
  '10.1.2.3,',
  '',
  'unknown',
  '10.0.0.0/8',
  '10.1.2.3:',
  '10.1.2.3:99999',
  '203.0.113.9:51234',
  '10.1.2.3, [2001:db9::5]:443',
  '010.1.2.3',
  '2001:db8::7%eth0',
])('X-Forwarded-For "%s" does not', async (forwardedFor) => {
  expect((await knockWith(broker, client, { 'x-forwarded-for': forwardedFor })).status).toBe(403);
});

test("without X-Forwarded-For nothing is known of the client, and the gateway's own address does not stand in for it", async () => {
  const { key } = await mint(broker, { ip_allowlist: ['127.0.0.0/8', '::1'] });
  expect((await knockWith(broker, { key })).status).toBe(403);
});

test('of two X-Forwarded-For lines the last one counts, which the gateway has added', async () => {
  const ask = (...lines: string[]) =>
    sendRaw(
      broker.url,
      `GET ${doorPath} HTTP/1.1\r\nhost: broker\r\nconnection: close\r\nx-api-key: ${client.key}\r\n` +
        `x-flowplate-master-key: ${broker.masterKey}\r\n${lines.map((line) => `x-forwarded-for: ${line}\r\n`).join('')}\r\n`,
    );
  expect(statusesOf(await ask('203.0.113.9', '10.1.2.3'))).toEqual([200]);
  expect(statusesOf(await ask('10.1.2.3', '203.0.113.9'))).toEqual([403]);
});

test('other headers that name an address are not read', async () => {
  for (const name of ['x-real-ip', 'forwarded', 'true-client-ip', 'cf-connecting-ip', 'x-client-ip']) {
    expect((await knockWith(broker, client, { [name]: '10.1.2.3' })).status).toBe(403);
  }
});
