import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { inTime, startDeadline } from '../../src/concurrency/deadline.ts';
import { block } from '../support/block.ts';

const late = () => new Error('late');

/** Two ends of one connection. */
async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  const [other] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    for (const socket of [client, other]) socket.destroy();
    server.close();
  });
  return [client, other];
}

describe('a deadline', () => {
  test('that passes while the loop is blocked does not come before an answer that has arrived', async () => {
    const [client, server] = await socketPair();
    const events: string[] = [];
    client.on('data', () => {
      events.push('data');
      cancel();
    });
    const cancel = startDeadline(50, () => events.push('deadline'));
    setTimeout(() => events.push('timer'), 50);
    server.write('answer');
    block(200);
    await sleep(200);
    expect(events).toEqual(['timer', 'data']);
  });

  test('comes when there is no answer, on time, or as long again later as the loop was', async () => {
    const startedMs = performance.now();
    await new Promise<void>((resolve) => void startDeadline(50, resolve));
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(49);
    const blockedMs = performance.now();
    const deadline = new Promise<void>((resolve) => void startDeadline(50, resolve));
    block(80);
    await deadline;
    expect(performance.now() - blockedMs).toBeGreaterThanOrEqual(105);
  });

  test('that is cancelled never comes, not even between its timer and its turn', async () => {
    let hasCome = false;
    const cancel = startDeadline(10, () => {
      hasCome = true;
    });
    const cancelLater = startDeadline(10, () => {
      hasCome = true;
    });
    cancel();
    setTimeout(cancelLater, 10);
    await sleep(60);
    expect(hasCome).toBe(false);
  });
});

describe('inTime', () => {
  test('hands on the result or the error of work that is in time', async () => {
    await expect(inTime(Promise.resolve(7), 1_000, late)).resolves.toBe(7);
    await expect(inTime(Promise.reject(new Error('own')), 1_000, late)).rejects.toThrow('own');
  });

  test('rejects at the deadline; the work goes on, and its later error harms nobody', async () => {
    const work = sleep(60).then(() => Promise.reject(new Error('too late')));
    await expect(inTime(work, 20, late)).rejects.toThrow('late');
    await sleep(80);
  });
});
