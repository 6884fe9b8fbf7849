import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { exchange } from '../local-verifier/exchange.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { type Authority, type Certified, newAuthority } from '../support/certificates.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint } from '../support/keys.ts';
import { loggedLine, logLines, startScript } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';
import { type TlsCall, tlsClient } from '../support/tls-client.ts';
import { doorPath } from './verify/door.ts';

const names = 'DNS:localhost,IP:127.0.0.1';

let deployment: Deployment;
let directory: string;
let authority: Authority;
let pair: Certified;
let plain: StartedApi;
beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redis = await freshRedis(inject('redisUrl'));
  deployment = deploy({ databaseUrl: database.url, redisUrl: redis.url });
  directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  authority = await newAuthority(directory, 'ours');
  pair = await authority.issue({ subject: '/CN=localhost', alternativeNames: names });
  plain = await deployment.startApi();
});
afterAll(endAll);

const settings = ({ certificate, key }: Certified) => ({ TLS_CERT_FILE: certificate, TLS_KEY_FILE: key });

const startWith = (files: Certified, env: Record<string, string> = {}) =>
  deployment.startApi({ env: { ...settings(files), ...env } });

function clientOf({ port }: StartedApi, ca = authority.certificate) {
  const client = tlsClient(port, { ca });
  atEnd(() => client.close());
  return client;
}

const asGateway = (key: string) => ({ 'x-flowplate-master-key': deployment.masterKey, 'x-api-key': key });

/** A busy machine may miss the deadline of forward auth. */
async function expectAllowed(call: TlsCall, key: string): Promise<void> {
  const ask = () => call(`GET ${doorPath}`, { headers: asGateway(key) });
  const { status } = await eventually(10_000, ask, (answer) => answer.status !== 503);
  expect(status).toBe(200);
}

async function open(port: number, options: object = {}): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    rejectUnauthorized: false,
    ...options,
  });
  atEnd(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** All that arrives until the answers are there. */
async function converse(socket: TLSSocket, bytes: string, answers: number): Promise<string> {
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.write(bytes);
  return eventually(
    10_000,
    () => received,
    (text) => statusesIn(text).length >= answers,
  );
}

/** Also of answers whose bodies end without a new line. */
const statusesIn = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

test('both endpoints of gateways, the management and a stream of a gateway work over TLS', async () => {
  const api = await startWith(pair);
  const { call } = clientOf(api);
  const { key, key_id } = await mint(plain);
  await expectAllowed(call, key);
  const verified = await call(`POST ${keysPath}/verify`, { headers: asGateway(''), body: { key } });
  expect(verified.body).toMatchObject({ valid: true, key_id });
  const shown = await call(`GET ${keysPath}/${key_id}`, { headers: asGateway('') });
  expect(shown.body).toMatchObject({ key_id });

  const env = {
    BROKER_URL: `https://127.0.0.1:${api.port}`,
    MASTER_KEY: deployment.masterKey,
    NODE_EXTRA_CA_CERTS: authority.certificate,
  };
  const gateway = await startScript('test/sdk/fixtures/embedding-process.ts', { env });
  await loggedLine(gateway, 'listening');
  const hubs = 'SELECT hub_id FROM verifiers WHERE master_key_id IS NOT NULL';
  const follows = await eventually(
    10_000,
    () => query(deployment.env.DATABASE_URL ?? '', hubs),
    ([row]) => row?.hub_id !== null && row !== undefined,
  );
  expect(follows).toHaveLength(1);
});

test('the fast lane answers over TLS, and hands a connection over with all that is unread', async () => {
  const api = await startWith(pair);
  const { key } = await mint(plain);
  await expectAllowed(clientOf(api).call, key);
  const headers = `Host: gateway\r\nx-flowplate-master-key: ${deployment.masterKey}\r\n`;
  const door = `GET ${doorPath} HTTP/1.1\r\n${headers}x-api-key: ${key}\r\n\r\n`;
  const list = `GET ${keysPath}?limit=1 HTTP/1.1\r\n${headers}\r\n`;
  const text = await converse(await open(api.port), [door, door, list, door, list].join(''), 5);
  expect(statusesIn(text)).toEqual([200, 200, 200, 200, 200]);
  const [lane = '', , , ofNode = ''] = text.split(/(?=HTTP\/1\.1 )/);
  const sorted = (answer: string) =>
    (answer.split('\r\n\r\n')[0] ?? '').split('\r\n').map(withoutMoment).sort();
  expect(sorted(lane)).toEqual(sorted(ofNode));
});

const withoutMoment = (line: string) => line.replace(/^(Date|x-request-id): .*/i, '$1');

test('TLS 1.2 and 1.3 and nothing older; plain HTTP gets no answer', async () => {
  const { port } = await startWith(pair);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await open(port, { minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
  }
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
  await expect(open(port, old)).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  await expect(exchange({ url: `http://127.0.0.1:${port}` }, { path: '/health/live' })).rejects.toThrow();
});

test('the Unix socket stays without TLS', async () => {
  const socketPath = join(directory, 'api.sock');
  await startWith(pair, { LISTEN_SOCKET: socketPath });
  expect((await stat(socketPath)).isSocket()).toBe(true);
  const { key } = await mint(plain);
  const headers = Object.entries(asGateway(key));
  const ask = () => exchange({ socketPath }, { path: doorPath, headers });
  expect((await eventually(10_000, ask, ({ status }) => status !== 503)).status).toBe(200);
});

test('at SIGTERM a request that runs over TLS is finished', async () => {
  const api = await startWith(pair, { DRAIN_MS: '500' });
  const { call } = clientOf(api);
  const { key } = await mint(plain);
  await expectAllowed(call, key);
  api.kill('SIGTERM');
  await loggedLine(api, 'draining');
  expect((await call(`GET ${doorPath}`, { headers: asGateway(key) })).status).toBe(200);
  expect(await api.exited).toEqual({ code: 0, signal: null });
});

test.each(['1', '2'])(
  'SIGHUP with %s processes: new connections get the new certificate, and no call fails',
  async (count) => {
    const live = {
      certificate: join(directory, `live-${count}.pem`),
      key: join(directory, `live-${count}.key`),
    };
    await install(pair, live);
    const api = await startWith(live, { API_PROCESSES: count });
    const { key } = await mint(plain);
    const kept = await open(api.port);
    const firstSerial = kept.getPeerX509Certificate()?.serialNumber;
    const load = keepCalling(api, key);
    const renewed = await authority.issue({ subject: '/CN=localhost', alternativeNames: names });
    await install(renewed, live);
    api.kill('SIGHUP');
    const { serialNumber } = await eventually(
      10_000,
      async () => (await open(api.port)).getPeerX509Certificate() ?? { serialNumber: firstSerial },
      (seen) => seen.serialNumber !== firstSerial,
    );
    expect(serialNumber).not.toBe(firstSerial);
    const before = load.answered();
    await eventually(20_000, load.answered, (answered) => answered > before + 20);
    expect(await load.stop()).toEqual(new Set([200]));
    const headers = `Host: gateway\r\nx-flowplate-master-key: ${deployment.masterKey}\r\nx-api-key: ${key}\r\n`;
    const text = await converse(kept, `GET ${doorPath} HTTP/1.1\r\n${headers}\r\n`, 1);
    expect(statusesIn(text)).toEqual([200]);
  },
);

test('SIGHUP with files that cannot be used keeps what it has, and says why', async () => {
  const live = { certificate: join(directory, 'bad.pem'), key: join(directory, 'bad.key') };
  await install(pair, live);
  const api = await startWith(live);
  const { call } = clientOf(api);
  const other = await authority.issue();
  await copyFile(other.key, live.key);
  api.kill('SIGHUP');
  const refused = await loggedLine(api, 'the TLS certificate was not read again: the earlier one stays');
  expect(JSON.stringify(refused)).toContain('TLS_KEY_FILE is not the private key');
  expect(JSON.stringify(refused)).not.toContain('PRIVATE');
  expect((await call('GET /health/live')).status).toBe(200);
  expect((await clientOf(api).call('GET /health/live')).status).toBe(200);
});

/** Each file is replaced as a whole, as a renewal does. */
async function install(from: Certified, to: Certified): Promise<void> {
  for (const name of ['certificate', 'key'] as const) {
    await copyFile(from[name], `${to[name]}.new`);
    await rename(`${to[name]}.new`, to[name]);
  }
}

/** Calls over kept and over new connections, until it is stopped. */
function keepCalling(api: StartedApi, key: string) {
  const statuses: number[] = [];
  let isOn = true;
  const kept = clientOf(api);
  const running = (async () => {
    while (isOn) {
      const fresh = clientOf(api);
      for (const { call } of [kept, kept, kept, fresh]) {
        const { status, body } = await call(`POST ${keysPath}/verify`, {
          headers: asGateway(''),
          body: { key },
        });
        statuses.push(body.valid === true ? status : 0);
      }
      fresh.close();
    }
  })();
  return {
    answered: () => statuses.length,
    stop: async () => {
      isOn = false;
      await running;
      return new Set(statuses);
    },
  };
}

test('it does not start with a pair that it cannot serve with, and says which file is wrong', async () => {
  const noPem = join(directory, 'no.pem');
  await writeFile(noPem, 'secret-that-no-log-repeats');
  const expired = await authority.issue({ days: -1 });
  const other = await authority.issue();
  const cases: [string, Record<string, string>][] = [
    ['TLS_KEY_FILE is missing, which TLS_CERT_FILE needs', { TLS_CERT_FILE: pair.certificate }],
    ['TLS_CERT_FILE is missing, which TLS_KEY_FILE needs', { TLS_KEY_FILE: pair.key }],
    ['TLS_CERT_FILE is missing, which TLS_CLIENT_CA_FILE needs', { TLS_CLIENT_CA_FILE: pair.certificate }],
    ['TLS_CERT_FILE cannot be read (ENOENT)', settings({ ...pair, certificate: '/nowhere.pem' })],
    ['TLS_KEY_FILE cannot be read (ENOENT)', settings({ ...pair, key: '/nowhere.key' })],
    ['TLS_CERT_FILE has no certificate', settings({ ...pair, certificate: noPem })],
    ['TLS_KEY_FILE has no private key', settings({ ...pair, key: noPem })],
    ['TLS_KEY_FILE is not the private key', settings({ ...pair, key: other.key })],
    ['TLS_CERT_FILE has a certificate that expired', settings(expired)],
    ['TLS_CLIENT_CA_FILE has no certificate', { ...settings(pair), TLS_CLIENT_CA_FILE: noPem }],
  ];
  for (const [message, env] of cases) {
    const running = await startScript('src/main.ts', { env: { ...deployment.env, ...env } });
    expect((await running.exited).code, message).toBe(1);
    const said = running.stdout() + running.stderr();
    expect(said).toContain(message);
    expect(said).not.toContain('secret-that-no-log-repeats');
  }
  const env = { ...deployment.env, ...settings(expired), API_PROCESSES: '2' };
  const primary = await startScript('src/main.ts', { env });
  expect((await primary.exited).code).toBe(1);
  expect(logLines(primary).map(({ msg }) => msg)).not.toContain('an API process ended');
});

test('no file of the pair is in the log of a process', async () => {
  const api = await startWith(pair);
  const key = await readFile(pair.key, 'utf8');
  expect(api.stdout()).not.toContain(key.split('\n')[1]);
});
