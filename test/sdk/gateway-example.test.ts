import { copyFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { listen } from '../../src/process/serve-http.ts';
import { installedAsPublished } from '../packages/packed.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { getKey, mint, revoke } from '../support/keys.ts';
import { loggedLine, type Running, startScript } from '../support/processes.ts';
import { askGateway } from './ask-gateway.ts';

type Seen = { method: string; url: string; headers: IncomingHttpHeaders; body: string };

let broker: TestBroker;
let gateway: Running & { url: string };
const seen: Seen[] = [];
beforeAll(async () => {
  broker = await startBroker();
  const { secret } = await broker.createMasterKey({ permissions: ['keys:verify', 'keys:verify:embedded'] });
  const { consumer: root } = await installedAsPublished('keys', ['express']);
  await copyFile(join(projectRoot, 'examples/gateway/gateway.js'), join(root, 'gateway.js'));
  const env = {
    FLOWPLATE_URL: broker.url,
    FLOWPLATE_MASTER_KEY: secret,
    UPSTREAM_URL: await startUpstream(),
    PORT: '0',
  };
  const running = await startScript('gateway.js', { root, env });
  const { port } = await loggedLine(running, 'listening');
  gateway = { ...running, url: `http://127.0.0.1:${port}` };
}, 120_000);
afterAll(async () => {
  await endAll();
  await broker.close();
});

async function startUpstream(): Promise<string> {
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    seen.push({ method: req.method ?? '', url: req.url ?? '', headers: req.headers, body });
    res.writeHead(201, { 'x-upstream': 'here' }).end('made');
  });
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(() => void server.close());
  return `http://127.0.0.1:${port}`;
}

test('a valid key passes: the upstream sees the request, whose it is, and neither key nor forgery', async () => {
  const { key, key_id, user_id, organization_id } = await mint(broker, { scopes: ['read'] });
  const response = await fetch(`${gateway.url}/things?x=1`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'x-flowplate-user-id': 'root', 'x-flowplate-admin': '1', 'x-other': 'kept' },
    body: 'hello',
  });
  expect([response.status, response.headers.get('x-upstream'), await response.text()]).toEqual([
    201,
    'here',
    'made',
  ]);
  const request = seen.at(-1);
  expect(request).toMatchObject({ method: 'POST', url: '/things?x=1', body: 'hello' });
  expect(request?.headers).toMatchObject({
    'x-flowplate-user-id': user_id,
    'x-flowplate-organization-id': organization_id,
    'x-flowplate-key-id': key_id,
    'x-flowplate-scopes': 'read',
    'x-other': 'kept',
  });
  expect(request?.headers).not.toHaveProperty('x-flowplate-admin');
  expect(JSON.stringify(request?.headers)).not.toContain(key);
});

test('no key, an unknown one and a revoked one stay outside', async () => {
  const { key, key_id } = await mint(broker);
  expect((await askGateway(gateway.url, ['X-API-Key', key])).status).toBe(201);
  const before = seen.length;
  await revoke(broker, key_id);
  for (const headers of [[], ['X-API-Key', 'x'], ['X-API-Key', key], ['Authorization', `Bearer ${key}`]]) {
    expect((await askGateway(gateway.url, headers)).status).toBe(401);
  }
  expect(seen).toHaveLength(before);
});

test('a request line with a whole address in it reaches no other host', async () => {
  const { key } = await mint(broker);
  const before = seen.length;
  for (const path of ['//other.example/x', '/\\other.example/x']) {
    const { status } = await askGateway(gateway.url + path, ['X-API-Key', key]);
    expect([201, 400]).toContain(status);
  }
  for (const { headers } of seen.slice(before)) expect(headers.host).toMatch(/^127\.0\.0\.1:/);
});

test('asked to stop, it ends, and its counts have arrived', async () => {
  const { key, key_id } = await mint(broker);
  for (let call = 0; call < 5; call++) await askGateway(gateway.url, ['X-API-Key', key]);
  gateway.kill('SIGTERM');
  expect((await gateway.exited).code).toBe(0);
  await broker.settleUsage();
  expect((await getKey(broker, key_id)).body.usage.total_requests).toBe(5);
});
