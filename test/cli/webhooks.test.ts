import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { platformKey } from '../support/platform-callers.ts';
import { type Receiver, startReceiver } from '../support/webhook-receiver.ts';
import { type Desk, openDesk } from './flowplate.ts';

let broker: TestBroker;
let desk: Desk;
let receiver: Receiver;
beforeAll(async () => {
  broker = await startBroker({ WEBHOOK_INTERNAL_RANGES: '127.0.0.0/8' });
  atEnd(() => broker.close());
  desk = await openDesk(broker.url, { FLOWPLATE_API_KEY: (await platformKey(broker)).secret });
  receiver = await startReceiver();
  atEnd(() => receiver.close());
});
afterAll(endAll);

const run = (...args: string[]) => desk.run(['webhooks', ...args]);
const json = (...args: string[]) => desk.json(['webhooks', ...args]);

test('a webhook is created, changed, tried, looked at and deleted, and its secret is shown once', async () => {
  const created = await run('create', '--url', receiver.url, '--types', 'key.revoked,key.expired');
  const [, id = '', secret = ''] =
    /^Created webhook: \S+ \(id: (whe_\w+)\)\nSecret: (whsec_\S+)\nSave this secret — it will not be shown again\.\n$/.exec(
      created.stdout,
    ) ?? [];
  expect(id).not.toBe('');

  const listed = await run('list');
  expect(listed.stdout).toMatch(/^ID +URL +TYPES +ORGANIZATION +STATE +WAITING +LAST DELIVERED\n/);
  expect(listed.stdout).toContain(' key.revoked,key.expired  all ');
  const paused = await run('update', id, '--enabled', 'false', '--types', '*');
  expect(paused.stdout).toBe(`Updated webhook: ${receiver.url} (id: ${id}; disabled)\n`);
  expect(await json('get', id)).toMatchObject({ id, enabled: false, types: ['*'] });

  const tested = await run('test', id);
  expect(tested).toMatchObject({ exitCode: 0 });
  expect(tested.stdout).toMatch(/^Delivered: evt_\w+ \(204 in \d+ ms\)\n$/);
  receiver.answerStatus(500);
  const refused = await run('test', id);
  expect(refused).toMatchObject({ exitCode: 1 });
  expect(refused.stdout).toMatch(/^Not delivered: evt_\w+ \(500 in \d+ ms\)\n$/);
  receiver.answerStatus(204);

  const sent = await run('deliveries', id);
  expect(sent.stdout).toMatch(/webhook\.tested +dead +1 .* 500 in \d+ ms\n.*webhook\.tested +delivered +1 /);
  const [dead] = await json('deliveries', id, '--status', 'dead');
  expect(dead.answer).toMatchObject({ status: 500 });
  const replayed = await run('replay', id, '--events', dead.event_id);
  expect(replayed.stderr).toContain('VALIDATION_ERROR');
  expect(await json('replay', id, '--from', '2026-01-01', '--to', '2026-01-01')).toMatchObject({ count: 0 });
  expect(await run('replay', id, '--from', '2026-01-01')).toMatchObject({ exitCode: 2 });

  const rotated = await run('rotate-secret', id, '--overlap-seconds', '0');
  expect(rotated.stdout).toContain('The old one has ended\nNew secret: whsec_');
  expect(rotated.stdout).not.toContain(secret);
  expect(JSON.stringify([listed, paused, tested, sent, await json('get', id)])).not.toContain(secret);

  expect((await run('delete', id)).stdout).toBe(`Deleted webhook: ${id}\n`);
  expect((await run('get', id)).stderr).toContain('WEBHOOK_NOT_FOUND');
});

test('an unknown type is refused by its name, and who may only read events changes nothing', async () => {
  const unknown = await run('create', '--url', receiver.url, '--types', 'key.melted');
  expect(unknown.exitCode).toBe(1);
  expect(unknown.stderr).toContain('types.0');
  const { secret } = await platformKey(broker, ['role_platform_viewer']);
  const reader = { env: { FLOWPLATE_API_KEY: secret } };
  expect((await desk.run(['webhooks', 'list'], reader)).exitCode).toBe(0);
  const create = ['webhooks', 'create', '--url', receiver.url, '--types', '*'];
  expect((await desk.run(create, reader)).stderr).toContain('INSUFFICIENT_PERMISSIONS');
});
