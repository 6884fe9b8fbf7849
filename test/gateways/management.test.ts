import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { getKey, keysPath, type Minted, mint } from '../support/keys.ts';
import { sendRaw, statusesOf } from '../support/raw-request.ts';
import { type Gateway, startGateway } from './gateway.ts';

/** The API itself behind a proxy, with a rule that keeps two parts of it from everybody. */
const nginx: Gateway = {
  name: 'nginx',
  configure: async ({ directory, port, broker }) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (what) => `${what}_temp_path ${join(directory, what)};`,
    );
    const text = `
      daemon off;
      master_process off;
      pid ${join(directory, 'nginx.pid')};
      error_log stderr warn;
      events {}
      http {
        access_log off;
        ${temporary.join('\n')}
        server {
          listen 127.0.0.1:${port};
          location ^~ ${keysPath}/user/ { return 403; }
          location ^~ /api/v1/platform { return 403; }
          location / {
            proxy_pass http://127.0.0.1:${broker};
            proxy_http_version 1.1;
            proxy_request_buffering off;
          }
        }
      }`;
    await writeFile(join(directory, 'nginx.conf'), text);
    return { args: ['-p', directory, '-e', 'stderr', '-c', join(directory, 'nginx.conf')] };
  },
};

/** As a proxy speaks to another proxy: with the whole URL in the first line. */
const haproxy: Gateway = {
  name: 'haproxy',
  configure: async ({ directory, port, broker }) => {
    const text = `
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend all
    bind 127.0.0.1:${port}
    http-request set-uri http://broker.internal%[pathq]
    default_backend broker
backend broker
    server one 127.0.0.1:${broker}
`;
    await writeFile(join(directory, 'haproxy.cfg'), text);
    return { args: ['-db', '-f', join(directory, 'haproxy.cfg')] };
  },
};

let broker: TestBroker;
let minted: Minted;
let proxies: Record<'nginx' | 'haproxy', string>;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  minted = await mint(broker);
  const { port } = new URL(broker.url);
  const place = { broker: Number(port), applicationPort: 1, masterKey: '', answersPreflight: false };
  proxies = {
    nginx: await startGateway(nginx, { ...place, mistakes: {} }),
    haproxy: await startGateway(haproxy, { ...place, mistakes: {} }),
  };
});
afterAll(endAll);

const ask = async (proxy: 'nginx' | 'haproxy', target: string, lines: string[] = [], body = '') => {
  const head = [`${target} HTTP/1.1`, 'Host: keys.internal', `x-flowplate-master-key: ${broker.masterKey}`];
  return sendRaw(proxies[proxy], `${[...head, ...lines, 'Connection: close', '', ''].join('\r\n')}${body}`);
};

test.each([
  ['nginx', 'its chunks are handed on as they come'],
  ['haproxy', 'its target is a whole URL'],
] as const)('behind %s a body-less request in chunks is carried out: %s', async (proxy, _why) => {
  const { user_id, organization_id, key_id } = await mint(broker);
  const owner = `${keysPath}/${user_id}/${organization_id}`;
  const chunked = ['Transfer-Encoding: chunked'];
  const noByte = '0\r\n\r\n';
  expect(await ask(proxy, `GET ${keysPath}/${key_id}`, chunked, noByte)).toContain(key_id);
  expect(await ask(proxy, `POST ${owner}/refresh`, chunked, noByte)).toContain('"new_key"');
  expect(await ask(proxy, `DELETE ${owner}`, chunked, noByte)).toContain('"revoked_count":1');
});

test('forward auth and verification take a target that is a whole URL', async () => {
  const key = [`X-API-Key: ${minted.key}`];
  expect(statusesOf(await ask('haproxy', 'GET /v1/flowplate/authz/x?deny=403', key))).toEqual([200]);
  const body = JSON.stringify({ key: minted.key });
  const json = ['Content-Type: application/json', `Content-Length: ${body.length}`];
  expect(await ask('haproxy', `POST ${keysPath}/verify`, json, body)).toContain('"code":"VALID"');
});

const forbidden = [`DELETE ${keysPath}/user/USER_ID`, 'GET /api/v1/platform/users'];

test.each([
  ['as it is', (path: string) => path],
  ['in upper case', (path: string) => path.toUpperCase().replace('USER_ID', minted.user_id)],
  ['with a capital', (path: string) => path.replace('/user', '/User')],
  ['percent-encoded', (path: string) => path.replace('/u', '/%75')],
  ['with an encoded slash', (path: string) => path.replace('/user', '%2fuser')],
  ['with an encoded case', (path: string) => path.replace('/user', '/%55ser')],
  ['with two slashes', (path: string) => path.replace('/user', '//user')],
  ['with a dot', (path: string) => path.replace('/user', '/./user')],
  ['with two dots', (path: string) => path.replace('/user', '/x/../user')],
  ['with two encoded dots', (path: string) => path.replace('/user', '/x/%2e%2e/user')],
  ['with a trailing slash', (path: string) => `${path}/`],
  ['with a backslash', (path: string) => path.replace('/user', '\\user')],
  ['with backslashes and a fragment', (path: string) => `${path.replace('/user', '\\user')}#`],
  ['with backslashes all over and a fragment', (path: string) => `/${path.slice(1).replaceAll('/', '\\')}#`],
  ['as a whole URL', (path: string) => `http://keys.internal${path.replace('/user', '/User')}`],
])('what a proxy keeps from everybody is not reached past it: %s', async (_spelling, respell) => {
  for (const target of forbidden) {
    const [method, path = ''] = target.replace('USER_ID', minted.user_id).split(' ');
    const received = await ask('nginx', `${method} ${respell(path)}`);
    expect([400, 403, 404], received).toContain(statusesOf(received)[0]);
  }
  expect((await getKey(broker, minted.key_id)).body.status).toBe('active');
});
