import { createServer } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAddressRule } from '../../src/webhooks/address-rule.ts';
import { WebhookSender } from '../../src/webhooks/webhook-sender.ts';
import { type Receiver, startReceiver } from '../support/webhook-receiver.ts';

const secrets = [1, 2].map((fill) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`);
const body = '{"type":"key.revoked"}';
const loopback = ['127.0.0.0/8'];

let receiver: Receiver;
let sender: WebhookSender;
beforeAll(async () => {
  receiver = await startReceiver();
  sender = new WebhookSender({ internalRanges: loopback, attemptMsMax: 500 });
});
afterAll(async () => {
  receiver.close();
  await sender.close();
});

const send = (url = receiver.url, by = sender, signing: readonly string[] = secrets) =>
  by.send({ url, eventId: 'evt_1', body, secrets: signing });

/** Sends with a resolver that answers so, one answer for each look-up. */
async function sendTo(url: string, internalRanges: string[], ...answers: string[][]) {
  const names: string[] = [];
  const resolve = async (name: string) => {
    names.push(name);
    return answers[names.length - 1] ?? answers.at(-1) ?? [];
  };
  const own = new WebhookSender({ internalRanges, resolve, attemptMsMax: 500 });
  const answer = await send(url, own);
  await own.close();
  return { ...answer, names };
}

test('a receiver verifies the signature with the package of Standard Webhooks, by either secret while one rotates', async () => {
  expect(await send()).toMatchObject({ status: 204, fault: null });
  const { headers, body: got } = receiver.received.at(-1) as Receiver['received'][number];
  for (const secret of secrets)
    expect(new Webhook(secret).verify(got, headers)).toEqual({ type: 'key.revoked' });
  const other = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
  expect(() => new Webhook(other).verify(got, headers)).toThrow('No matching signature');
  expect(headers['webhook-id']).toBe('evt_1');
});

test('a redirect is not followed, not even to a metadata address', async () => {
  receiver.answer((_, res) => res.writeHead(301, { location: 'http://169.254.169.254/latest/' }).end());
  expect(await send()).toMatchObject({ status: 301, fault: null });
});

test('a receiver that hangs costs the time of one attempt', async () => {
  receiver.answer(() => undefined);
  expect(await send()).toMatchObject({ status: null, fault: 'timed_out' });
});

test('a receiver that resets the connection, or speaks no HTTP, is a fault', async () => {
  receiver.answer((_, res) => res.destroy());
  expect(await send()).toMatchObject({ status: null, fault: 'connection_lost' });
  const strange = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n')).listen(0, '127.0.0.1');
  await new Promise((resolve) => strange.once('listening', resolve));
  const { port } = strange.address() as { port: number };
  expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({ status: null, fault: 'invalid_answer' });
  expect(await send(`https://127.0.0.1:${port}/`)).toMatchObject({ status: null, fault: 'tls_failed' });
  strange.close();
  expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({ fault: 'connect_failed' });
});

test('of an answer without end the start is kept, without secrets, and the connection is closed', async () => {
  const closed = Promise.withResolvers<void>();
  receiver.answer((_, res) => {
    res.once('close', () => closed.resolve());
    res.writeHead(200);
    res.write(`got ${secrets[0]}\u0000${'x'.repeat(2_000)}`);
    const more = () => {
      while (!res.destroyed && res.write('x'.repeat(16_384)));
    };
    res.on('drain', more);
    more();
  });
  const answer = await send();
  expect(answer).toMatchObject({ status: 200, fault: null });
  expect(answer.body).toMatch(/^got whsec_… x{900}/);
  expect(answer.body?.length).toBe(1_024);
  await closed.promise;
});

test('an address that is not public is refused, also behind a name, and also as one of several', async () => {
  receiver.answerStatus(204);
  const { port } = receiver;
  const before = receiver.received.length;
  for (const host of [
    '127.0.0.1',
    '[::1]',
    '0x7f.1',
    '2130706433',
    '[::ffff:127.0.0.1]',
    '10.1.2.3',
    '169.254.169.254',
  ]) {
    expect(await sendTo(`https://${host}:${port}/`, []), host).toMatchObject({ fault: 'address_refused' });
  }
  expect(await sendTo(`https://inside.example:${port}/`, [], ['127.0.0.1'])).toMatchObject({
    fault: 'address_refused',
  });
  expect(await sendTo(`https://mixed.example:${port}/`, [], ['203.0.114.1', '127.0.0.1'])).toMatchObject({
    fault: 'address_refused',
  });
  expect(receiver.received.length).toBe(before);
});

test('a name that leads elsewhere after the check changes nothing: it is looked up once, and connected to by number', async () => {
  const { port } = receiver;
  const first = await sendTo(
    `http://moving.example:${port}/hook`,
    ['127.0.0.1'],
    ['127.0.0.1'],
    ['127.0.0.2'],
  );
  expect(first).toMatchObject({ status: 204, names: ['moving.example'] });
  expect(receiver.received.at(-1)?.headers.host).toBe(`moving.example:${port}`);
  // The public address of the check is the one that is tried, and not the later 127.0.0.1.
  const moved = await sendTo(`https://moving.example:${port}/hook`, [], ['192.0.0.9'], ['127.0.0.1']);
  expect(moved).toMatchObject({ fault: 'address_refused', names: ['moving.example'] });
});

test('http is for addresses inside the ranges only', async () => {
  expect(await sendTo('http://public.example/', loopback, ['203.0.114.1'])).toMatchObject({
    fault: 'address_refused',
  });
});

test('a name without an address is told', async () => {
  expect(await sendTo('https://nowhere.example/', [], [])).toMatchObject({ fault: 'name_not_found' });
});

test('variables for proxies change nothing', async () => {
  receiver.answerStatus(204);
  for (const name of ['http_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'])
    process.env[name] = 'http://127.0.0.1:9';
  process.env.NODE_USE_ENV_PROXY = '1';
  expect(await send()).toMatchObject({ status: 204 });
  for (const name of ['http_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'])
    delete process.env[name];
});

test('addresses of metadata services need an entry of their own, and special ranges are not public', () => {
  const wide = createAddressRule(['169.254.0.0/16', 'fd00::/8']);
  expect([wide('169.254.169.254'), wide('fd00:ec2::254'), wide('169.254.1.1')]).toEqual([
    'refused',
    'refused',
    'internal',
  ]);
  expect(createAddressRule(['169.254.169.254/32'])('169.254.169.254')).toBe('internal');
  const rule = createAddressRule([]);
  const special = [
    '0.0.0.0',
    '100.64.0.1',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    'fe80::1',
  ];
  const embedding = [
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '::127.0.0.1',
    'fec0::1',
    '168.63.129.16',
    'nonsense',
  ];
  for (const address of [...special, ...embedding]) expect(rule(address), address).toBe('refused');
  expect([rule('8.8.8.8'), rule('2606:4700::1111')]).toEqual(['public', 'public']);
});
