import { createServer, type RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listen } from '../../src/process/serve-http.ts';
import { FlowplateApiError, FlowplateUnreachableError } from '../../src/sdk/errors.ts';
import { nextCursor } from '../../src/sdk/next-cursor.ts';
import { FlowplateOperatorClient } from '../../src/sdk/operator-client.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { platformKey } from '../support/platform-callers.ts';
import { goodPassword } from '../support/platform-users.ts';
import { totpCode } from '../support/second-factors.ts';

let broker: TestBroker;
let credential: string;
let client: FlowplateOperatorClient;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  credential = (await platformKey(broker)).secret;
  client = new FlowplateOperatorClient({ baseUrl: broker.url, credential });
});
afterAll(endAll);

async function serverThat(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return url;
}

test('bare arrays come as pages, from the first to the last', async () => {
  for (const name of ['A', 'B', 'C']) await client.tenants.provision({ name });
  const names: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await client.tenants.list({ limit: 2, cursor });
    names.push(...page.data.map((tenant) => tenant.name));
    cursor = page.next_cursor;
  }
  expect(names).toEqual(['C', 'B', 'A']);
});

test('inside a tenant an operator works in their own name, and says why', async () => {
  const { id } = await client.tenants.provision({ name: 'Inside' });
  const reason = 'ticket 7';
  const inside = new FlowplateOperatorClient({
    baseUrl: broker.url,
    credential,
    asOrganization: id,
    reason,
  });
  expect(await inside.apiKeys.create({ name: 'theirs' })).toMatchObject({ organization_id: id });
  const { data } = await client.audit.list({ event_type: 'platform.impersonated', organization_id: id });
  expect(data).toEqual([expect.objectContaining({ on_behalf_of: id })]);
  expect(data[0]?.details).toMatchObject({ reason });
});

test('a second factor is set up, asked for at the login, used to confirm, and taken away', async () => {
  const email = 'second-factor@example.com';
  await client.users.create({ email, password: goodPassword, name: 'S' });
  const anybody = new FlowplateOperatorClient({ baseUrl: broker.url });
  const as = (token: string) => new FlowplateOperatorClient({ baseUrl: broker.url, credential: token });
  const own = as((await anybody.session.login({ email, password: goodPassword })).token);
  const { secret } = await own.secondFactors.startTotp();
  const enrolled = await own.secondFactors.activateTotp({ code: totpCode(broker, secret, -1) });
  const [lost = ''] = enrolled.recovery_codes ?? [];
  const refused = await anybody.session.login({ email, password: goodPassword }).catch((error) => error);
  expect(refused).toMatchObject({
    code: 'SECOND_FACTOR_REQUIRED',
    details: { methods: ['totp', 'recovery_code'] },
  });
  const second_factor = { kind: 'totp', code: totpCode(broker, secret) } as const;
  const other = as((await anybody.session.login({ email, password: goodPassword, second_factor })).token);
  const [code = ''] = (await other.secondFactors.renewRecoveryCodes()).recovery_codes;
  const withCode = (code: string) => ({ second_factor: { kind: 'recovery_code', code } as const });
  await expect(other.session.confirm(withCode(lost))).rejects.toMatchObject({
    code: 'SECOND_FACTOR_INVALID',
  });
  await other.session.confirm(withCode(code));
  expect(await other.session.endOthers()).toEqual({ success: true, ended_count: 1 });
  expect((await other.session.list()).data).toEqual([expect.objectContaining({ current: true })]);
  const { factors, recovery_codes_left } = await other.secondFactors.list();
  expect([factors.length, recovery_codes_left]).toEqual([1, 9]);
  await other.secondFactors.remove(enrolled.id);
  await anybody.session.login({ email, password: goodPassword });
});

test('a secret whose answer was lost is the same one, asked for again', async () => {
  const sent: (string | undefined)[] = [];
  const proxy = await serverThat((req, res) => {
    const pieces: Buffer[] = [];
    req.on('data', (piece: Buffer) => pieces.push(piece));
    req.on('end', async () => {
      sent.push(req.headers['idempotency-key'] as string | undefined);
      const headers = Object.fromEntries(
        ['authorization', 'content-type', 'idempotency-key'].map((name) => [name, `${req.headers[name]}`]),
      );
      const body = Buffer.concat(pieces).toString();
      const answer = await fetch(broker.url + req.url, { method: 'POST', headers, body });
      if (sent.length === 1) return res.destroy();
      res.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    });
  });
  const through = new FlowplateOperatorClient({ baseUrl: proxy, credential });
  const { id } = await through.apiKeys.create({ name: 'made once', platform: true });
  expect(sent.length).toBe(2);
  expect(new Set(sent).size).toBe(1);
  const { data } = await client.apiKeys.list({ platform: true, name: 'made once' });
  expect(data.map((key) => key.id)).toEqual([id]);
});

describe('an export', () => {
  test('is every event, one a line', async () => {
    const lines: string[] = [];
    for await (const line of client.audit.export({ event_type: 'organization.created' })) lines.push(line);
    expect(lines.length).toBeGreaterThanOrEqual(4);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ event_type: 'organization.created' });
  });

  test('that is cut off never passes for a whole one', async () => {
    const url = await serverThat((_req, res) => {
      res.writeHead(200, { 'content-type': 'application/x-ndjson' });
      res.write('{"id":"evt_1"}\n{"id":', () => res.destroy());
    });
    const lines: string[] = [];
    const read = async () => {
      const cut = new FlowplateOperatorClient({ baseUrl: url, credential });
      for await (const line of cut.audit.export()) lines.push(line);
    };
    await expect(read()).rejects.toThrow(FlowplateUnreachableError);
    expect(lines).toEqual(['{"id":"evt_1"}']);
  });

  test('that is refused says why', async () => {
    const nobody = new FlowplateOperatorClient({ baseUrl: broker.url });
    const read = async () => {
      for await (const _ of nobody.audit.export()) break;
    };
    await expect(read()).rejects.toThrow(FlowplateApiError);
  });
});

test.each([
  ['</api/v1/platform/users?limit=2&cursor=abc>; rel="next"', 'abc'],
  ['<https://keys.internal/users?cursor=a%2Bb>; rel=next', 'a+b'],
  ['</x?cursor=p>; rel="prev", </x?cursor=n>; rel="next"', 'n'],
  ['</x?cursor=p>; rel="prev"', null],
  ['</x>; rel="next"', null],
  ['', null],
  [null, null],
])('the next page of %j begins at %j', (link, cursor) => {
  expect(nextCursor(link)).toBe(cursor);
});

test('traffic, verifiers, queues and the diagnosis are read', async () => {
  const { overview } = client;
  expect((await overview.traffic({ granularity: 'day' })).granularity).toBe('day');
  expect((await overview.topTraffic({ limit: 1 })).keys.length).toBeLessThanOrEqual(1);
  expect((await overview.verifiers()).live).toBe(1);
  expect((await overview.queues()).up).toBe(true);
  expect((await overview.diagnosis()).version).toMatch(/^\d+\.\d+\.\d+$/);
});
