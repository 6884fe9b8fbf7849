import { expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { WebhookTurns } from '../../src/wire/webhook-turns.ts';

test('without a queue an endpoint is served until nothing is left, or the process ends', async () => {
  const id = newId('webhook', new Date(), () => Buffer.alloc(16, 1));
  let turns = 0;
  let isStopping = false;
  const served = new WebhookTurns({
    offer: () => Promise.reject(new Error('there is no queue')),
    isQueueThere: () => false,
    serve: async () => {
      turns += 1;
      isStopping = turns === 5;
      return turns < 50 ? 'more' : 'done';
    },
    isStopping: () => isStopping,
    onFault: () => undefined,
    nowMs: () => 0,
  });
  await served.offer([id]);
  await new Promise(setImmediate);
  await served.settle();
  expect(turns).toBe(5);
});
