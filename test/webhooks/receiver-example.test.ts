import { afterAll, beforeAll, expect, test } from 'vitest';
// @ts-expect-error An example in JavaScript.
import { createReceiver } from '../../examples/webhook-receiver/receiver.js';
import { listen } from '../../src/process/serve-http.ts';
import { WebhookSender } from '../../src/webhooks/webhook-sender.ts';

const secretOf = (fill: number) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`;
const sender = new WebhookSender({ internalRanges: ['127.0.0.0/8'] });
const handled: unknown[] = [];
const server = createReceiver({
  secret: secretOf(1),
  handle: async (event: unknown) => void handled.push(event),
});
let url: string;
beforeAll(async () => {
  url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}/`;
});
afterAll(async () => {
  await sender.close();
  server.close();
});

test('the example handles each event once, also while the secret rotates, and refuses other signatures', async () => {
  const send = (eventId: string, ...fills: number[]) =>
    sender.send({ url, eventId, body: '{"type":"key.revoked"}', secrets: fills.map(secretOf) });
  expect(await send('evt_1', 1)).toMatchObject({ status: 204 });
  expect(await send('evt_1', 2, 1)).toMatchObject({ status: 204 });
  expect(await send('evt_2', 2)).toMatchObject({ status: 401 });
  expect(handled).toEqual([{ type: 'key.revoked' }]);
});
